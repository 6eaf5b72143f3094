"""What `restore` would make: the session as it was removed, on its old ports if they are free."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from . import git, ports, records, registry
from .archives import archive
from .errors import SessionError
from .model import Repository, Session
from .narration import notice
from .parts import Window
from .planning import branching, composing
from .planning import plan as planning


def find(name: str, repository: Repository, at: str = "") -> archive.Archive:
    """Return the newest archive of a session called *name*, whose time begins with *at*.

    Raises `SessionError` with the known ones otherwise.
    """
    known = archive.all_of(repository)
    times = []
    for each in known:
        if each.name == name:
            if each.directory.name.startswith(at):
                return each
            times.append(each.directory.name)
    if times:
        raise SessionError(f"no removed session {name!r} has a time that begins with {at!r}; known: {', '.join(times)}")
    names = ", ".join(sorted({each.name for each in known}))
    listed = f"known: {names}" if names else "there is none"
    raise SessionError(f"no removed session is called {name!r}; {listed}. To see them: inv session.list --removed")


def plan(kept: archive.Archive, repository: Repository, held: set[int]) -> Session:
    """Return the session of *kept*, complete; its ports are its old ones unless they are in *held* or in use.

    Raises `SessionError` when its name, directory or branch are taken.
    """
    row = kept.facts["row"]
    rows = registry.rows(repository)
    before = records.session(kept.name, row, repository, _unneeded, kept.directory / "row.json")
    _refuse_taken(kept, before.slug, rows, repository)
    if os.path.lexists(before.worktree):
        raise SessionError(f"{before.worktree} exists; move it away, then: inv session.restore {kept.name}")
    known = git.branches(repository)
    branch = known.get(f"refs/heads/{before.branch}")
    if branch is None:
        branching.refuse_beside(before.branch, known, repository)
    if branch is not None and branch.checkout:
        raise SessionError(f"the branch {before.branch} is checked out at {branch.checkout}; leave it there first")
    tip = kept.facts["tip"] or kept.facts["head"]
    if branch is not None and branch.commit != tip:
        other = f"git branch -m {before.branch} {before.branch}-other"
        raise SessionError(f"another branch {before.branch} was made meanwhile; rename it: {other}")
    session = replace(
        before, state="adding", tip=tip, archive=str(kept.directory), tracks="", adopts="",
        creates_branch=branch is None,
    )  # fmt: skip
    if session.compose is not None:  # of its volumes those are left that were kept, or belong to nobody else
        session = replace(session, compose=composing.unclaimed(session, session.compose))
    own = {port for each in rows.values() for port in ports.in_row(each).values()}
    return _on_free_ports(session, held | own)


def _refuse_taken(kept: archive.Archive, slug: str, rows: Mapping[str, registry.Row], repository: Repository) -> None:
    name, time = kept.name, kept.directory.name
    if name in rows and rows[name].get("state", "ready") == "ready":
        mend = f"inv session.remove {name}, then inv session.restore {name} --at {time}"
        raise SessionError(f"session {name} exists; to have the removed one: {mend}")
    planning.refuse_taken(name, slug, rows, repository)


def _unneeded() -> Any:
    raise SessionError("this archive was made from another tool's row, which says too little to restore it")


def _on_free_ports(session: Session, held: set[int]) -> Session:
    if all(port not in held and ports.free(port) for port in session.ports.values()):
        return session
    chosen = ports.choose(session.ports, held)
    for key, old in session.ports.items():
        if chosen[key] != old:
            notice(f"{key} {old} is taken; it is {chosen[key]} now")
    moved = {str(old): str(chosen[key]) for key, old in session.ports.items()}
    env = {file: _renumbered(values, moved) for file, values in session.env.items()}
    windows = tuple(Window(**_renumbered(vars(window), moved)) for window in session.windows)
    variables = _renumbered(session.variables, moved)
    return replace(session, ports=chosen, env=env, variables=variables, windows=windows, moved=True)


def _renumbered(values: Mapping[str, Any], moved: Mapping[str, str]) -> dict[str, Any]:
    """Return *values* with each old port, where it stands as a number of its own, replaced by its new one."""
    pattern = re.compile(rf"(?<!\d)({'|'.join(map(re.escape, moved))})(?!\d)")
    return {k: pattern.sub(lambda m: moved[m[1]], v) if isinstance(v, str) else v for k, v in values.items()}
