"""The resource of a session's own Postgres databases, made from those that the main checkout's variables name.

A comment on each one says whose it is: nothing else is ever dropped. What it has is kept when the session is removed,
as a dump in its worktree, from which `restore` makes it again.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import CommandError, SessionError, list_hints
from ..model import Problem, Session
from ..store import registry
from ..system import database_urls
from ..system.progress import notice, tell
from ..system.rooted import Root
from ..tools import postgres

LABEL = "databases"

_MARK = "Tally Sessions: "  # begins the comment on each database


class _Own(NamedTuple):
    """The database *name* of a session on a *server*, in the place of the main checkout's *template*."""

    variable: str
    name: str
    template: str
    server: dict[str, str]

    @property
    def dump(self) -> str:
        return f".tally-sessions.{self.variable}.dump"


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    made = [f"{each.name} from {each.template}" for each in _databases(session)]
    return f"own {', '.join(made)}" if made and session.state == "adding" else ""


def create(session: Session) -> None:
    """Make the databases that are missing: from a dump in the worktree, else from the main checkout's.

    Raises `SessionError` when one of that name is somebody else's, or the server refuses.
    """
    for each in _databases(session):
        try:
            _make(session, each)
        except CommandError as error:
            raise SessionError(_describe_failure(each, error)) from None


def _make(session: Session, each: _Own) -> None:
    dump = session.worktree / each.dump
    mark = postgres.find_mark(each.server, each.template, each.name)
    if mark not in (None, *_marks(session)):
        raise SessionError(_describe_owner(session, each, mark))
    if mark is not None and not (dump.is_file() and _rows(session).get(session.name, {}).get("moved")):
        # It is whole, and has what a dump has that a kill left. One that was moved here is newer.
        if mark != _mark(session):  # its removal was interrupted
            postgres.put_mark(each.server, each.template, each.name, _mark(session))
        _delete_dump(Root(session.worktree), each)
        return
    if not dump.is_file():
        tell(LABEL, f"{each.name} from {each.template}, {_copy(session, each)}")
        return
    if mark is not None:
        postgres.drop_database(each.server, each.template, each.name)
    postgres.load_database(each.server, each.template, each.name, _mark(session), dump)
    _delete_dump(Root(session.worktree), each)
    tell(LABEL, f"{each.name}, as it was saved")


def _delete_dump(tree: Root, each: _Own) -> None:
    for path in (each.dump, *tree.left_over(each.dump)):
        if not tree.is_directory(path):  # which is not ours
            tree.delete(path)


def _copy(session: Session, each: _Own) -> str:
    """Make the database from the main checkout's, by a dump in the session's private directory if that is in use."""
    place = Root(session.repository.private)
    path = str((session.private / each.dump).relative_to(place.path))
    place.delete(path)  # of one that was killed
    if postgres.copy_as_template(each.server, each.template, each.name, _mark(session)):
        return "as its template"
    place.make_directory(os.path.dirname(path), 0o700)
    try:
        _dump(each, each.template, place, path)
        postgres.load_database(each.server, each.template, each.name, _mark(session), place.path / path)
    finally:
        place.delete(path)
    return "by a dump, as it is in use"


def _dump(each: _Own, database: str, place: Root, path: str) -> None:
    """Write what *database*, of the server of *each*, has into the file *path* of *place*, which only we may read."""
    place.write(path, b"", mode=0o600)
    postgres.dump_database(each.server, database, place.path / path)


def remove(session: Session) -> None:
    """Drop the databases that are the session's and have been saved, or whose session never was ready.

    One that an earlier attempt saved is saved again first: somebody may have worked in it since. Where the server
    doesn't answer they stay, for `restore`, with a note.
    """
    due = _mark(session) if session.state == "adding" and not session.archive else _saved_mark(session)
    for each in _databases(session):
        try:
            mark = postgres.find_mark(each.server, each.template, each.name)
        except SessionError as error:
            reason = error.stderr.strip() if isinstance(error, CommandError) else str(error)
            notice(f"The database {each.name} was kept: {reason.splitlines()[-1] if reason else 'no answer'}")
            continue
        try:
            postgres.drop_half_made(each.server, each.template, each.name, _mark(session))
            is_repeated = mark == _saved_mark(session) and session.state != "ready"
            if mark == due and (not is_repeated or _save_again(session, each)):
                postgres.drop_database(each.server, each.template, each.name)
        except CommandError as error:
            raise SessionError(_describe_failure(each, error)) from None


def _save_again(session: Session, each: _Own) -> bool:
    """Save what the database has now beside the rest that is saved of *session*; return whether there is a place."""
    from ..store import aside

    saved = aside.begun_archive(Path(session.archive)) if session.archive else None
    place = next((tree for tree in (*([saved.tree] if saved else []), session.worktree) if tree.is_dir()), None)
    if place is None:
        notice(
            f"The database {each.name} was kept: the worktree, with which it would be saved, is gone.\n"
            f"Delete it, unless you need it: dropdb {shlex.quote(each.name)}"
        )
        return False
    _save(each, place)
    return True


def _save(each: _Own, worktree: Path) -> None:
    """Write what the database has into its dump in *worktree*; an earlier one stays there until this one is whole."""
    tree = Root(worktree)
    if tree.is_link(each.dump):
        tree.delete(each.dump)
    try:
        with tree.beside(each.dump, replaces_directory=True) as new:
            _dump(each, each.name, tree, new)
    except CommandError as error:
        raise SessionError(_describe_failure(each, error, str(worktree))) from None


def save(session: Session) -> None:
    """Write what the databases have into the worktree, before that is moved aside; only then they are dropped.

    Those of a server that doesn't answer are left as they are. Raises `SessionError` when one can't be read.
    """
    is_there = session.worktree.is_dir()
    due = _marks(session) if session.state == "ready" else (_mark(session),)  # else `remove` saves it again
    for each in _databases(session):
        try:
            mark = postgres.find_mark(each.server, each.template, each.name)
        except SessionError:
            continue  # `remove` says so
        if mark not in due:
            continue
        try:
            if is_there:
                _save(each, session.worktree)
            marked = _saved_mark(session) if is_there else _mark(session)
            postgres.put_mark(each.server, each.template, each.name, marked)
        except CommandError as error:
            raise SessionError(_describe_failure(each, error)) from None


def problems(session: Session) -> list[Problem]:
    """Return the databases that are missing."""
    found, fix = list[Problem](), f"inv session.resume {session.name}"
    for each in _databases(session):
        try:
            if postgres.find_mark(each.server, each.template, each.name) is None:
                found.append(Problem(f"the database {each.name} is missing", "the session needs its own", fix))
        except SessionError as error:
            why = str(error).splitlines()[0]
            found.append(Problem(f"the database {each.name} can't be reached", why, "start Postgres"))
    return found


def _databases(session: Session) -> Iterator[_Own]:
    """Yield the databases of *session* that are its own, each once."""
    seen = set[tuple[str, str]]()
    for file, wishes in session.databases.items():
        ours, theirs = (_addresses(place / file) for place in (session.repository.main, session.worktree))
        for variable, name in wishes.items():
            url = ours.get(variable) or theirs.get(variable, "")
            connection = database_urls.find_connection(url)
            if connection is None or name.isdigit() or not os.path.basename(name):
                continue
            template = connection.name if connection.name != name else "postgres"
            if (connection.variables.get("PGHOST", ""), name) not in seen:
                seen.add((connection.variables.get("PGHOST", ""), name))
                yield _Own(variable, name, template, dict(connection.variables))


def _addresses(file: Path) -> dict[str, str]:
    return database_urls.read_addresses(file)


def _mark(session: Session) -> str:
    return f"{_MARK}{session.project}, {session.created}"


def _marks(session: Session) -> tuple[str, str]:
    return _mark(session), _saved_mark(session)


def _saved_mark(session: Session) -> str:
    return f"{_mark(session)}, saved"


def _describe_owner(session: Session, each: _Own, mark: str) -> str:
    fact = f"A database {each.name} exists already, and is not this session's."
    if not mark.startswith(_MARK):
        return f"{fact} Choose another NAME, or delete it.\nRun: dropdb {shlex.quote(each.name)}"
    owned = (session._replace(name=name, created=str(row.get("created"))) for name, row in _rows(session).items())
    owner = next((other.name for other in owned if mark in (_mark(other), _saved_mark(other))), "")
    if owner:
        return f"{fact} It belongs to session {owner}. Choose another NAME."
    return (
        f"{fact} A session that was removed, or one of another checkout, has its data in it. Choose another NAME.\n"
        "See: inv session.list --removed"
    )


def _rows(session: Session) -> dict[str, registry.Row]:
    return registry.read_registry(session.repository)


def _describe_failure(each: _Own, error: CommandError, place: str = "") -> str:
    """Return what failed, and what to do; *place* is the directory that was written to, if it is on this machine."""
    lines = [line for line in error.stderr.strip().splitlines() if line.strip()]
    reason = next((line for line in lines if list_hints(line)), lines[0] if lines else f"exit code {error.code}")
    hint = f"Start Postgres, or share the database: leave {each.variable} out of the setting `databases`."
    if "permission denied to create database" in reason:
        hint = f"Allow it, as a superuser: ALTER ROLE {each.server.get('PGUSER', 'NAME')} CREATEDB"
    hint = " ".join(list_hints(reason, shlex.quote(place) if place else "")) or hint
    return f"The database {each.name} could not be made or saved: {reason}\n{hint}"
