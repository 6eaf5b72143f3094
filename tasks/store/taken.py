"""What a worktree had before it became a session: noted before anything changes, given back if adding it fails."""

from __future__ import annotations

import filecmp
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..model import RULES, Session
from ..system import copy, database_urls, envfile, files
from ..system.progress import notice
from ..system.rooted import LeadsOutError, Root
from . import old_copies

_LIST = ".found"  # in the directory with the copies: which of the session's files existed
_noted: set[Path] = set()  # by this process: nobody has worked there since


def note_found(session: Session) -> None:
    """Note which of the files that `add` makes exist, and keep a copy of each whose values it will change."""
    directory = Path(session.taken)
    _noted.add(directory)
    if (directory / _LIST).exists():
        return
    old_copies.make_place(session.repository, directory)
    changed = _changed(session)
    for path in changed:
        old_copies.keep_copy(session, path, directory)
    if changed:
        get = "get" if len(changed) > 1 else "gets"
        notice(f"{', '.join(changed)} {get} the session's values. What it had is in {directory}")
    tree = Root(session.worktree)
    found = [path for path in _made(session) if _exists(tree, path)]
    Root(directory).write(_LIST, json.dumps(found).encode(errors="surrogateescape"), 0o600)


def give_back(session: Session) -> None:
    """Delete the files that this `add` made, and put back those that it changed; the rest was there before."""
    directory, tree = Path(session.taken), Root(session.worktree)
    later = None if directory in _noted else old_copies.new_directory(session.repository, session.slug)
    try:
        found = json.loads((directory / _LIST).read_bytes())
    except (OSError, ValueError):  # it had not begun to change anything
        return
    for path in _made(session):
        with suppress(LeadsOutError):
            for unfinished in tree.left_over(path):  # of a copy that was killed
                tree.remove_tree(unfinished)
            if path not in found and tree.lstat(path) is not None:
                _keep_edited(session, path, later)
                tree.remove_tree(path)
            elif (directory / path).is_file() and not _is_same(directory / path, session.worktree / path):
                _keep_edited(session, path, later)
                copy.copy_into(directory / path, tree, path)


def _keep_edited(session: Session, path: str, directory: Path | None) -> None:
    """Keep a copy of *path* in *directory*: since an `add` was killed, a person may have worked there."""
    place = session.worktree / path
    if directory is None or place.is_symlink() or _is_same(session.repository.main / path, place):
        return
    old_copies.keep_copy(session, path, directory)
    notice(f"{path} is again as it was before the add. What it had until now is in {directory}")


def _is_same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)


def _made(session: Session) -> Iterator[str]:
    """Yield each path that `add` may make or change in the worktree."""
    yield from dict.fromkeys((*session.copy, *session.link, *session.env, RULES))
    from ..tools import node_packages

    main = session.repository.main
    for path in files.own_packages(main, session.link):
        yield from (each for each in node_packages.list_own(main, path) if each != path)


def _changed(session: Session) -> list[str]:
    tree, changed = Root(session.worktree), list[str]()
    for path in dict.fromkeys((*session.env, *session.databases)):
        with suppress(LeadsOutError, OSError):
            if tree.lstat(path) is None:
                continue
            present, main = envfile.read_values(tree, path), session.repository.main / path
            own = database_urls.own_addresses(main, present, session.databases.get(path, {}))
            if envfile.differing_keys(tree, path, {**session.env.get(path, {}), **own}):
                changed.append(path)
    return changed


def _exists(tree: Root, path: str) -> bool:
    try:
        return tree.lstat(path) is not None
    except LeadsOutError:
        return True
