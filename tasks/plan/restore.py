"""What `restore` creates: the session as it was when it was removed, on its old ports if they are free."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..errors import SessionError, suggest_name
from ..model import Repository, Session, Window
from ..store import archive, aside, ports, registry, rows
from ..system import files, terminal
from ..system.progress import notice
from ..tools import git
from . import add as planning
from . import branch as plan_branch


def find_archive(name: str, repository: Repository, at: str = "") -> archive.Archive:
    """Return the newest archive of a session called *name*, whose time begins with *at*.

    Raises `SessionError` with the known ones otherwise.
    """
    beginning = _beginning(at)
    # A session that was never made completely comes last.
    archives = sorted(archive.list_archives(repository), key=lambda each: each.unconfirmed)
    times = []
    for each in archives:
        if each.name == name:
            if each.directory.name.startswith(beginning):
                return each
            times.append(each.directory.name)
    if times:
        known = ", ".join(times)
        raise SessionError(f'No removed session "{name}" has a time that starts with "{at}". Known: {known}')
    row = registry.read_registry(repository).get(name, {})
    if row and row.get("state", "ready") == "ready":  # its restore may have been killed when all was done
        raise SessionError(
            f"Session {name} already exists, so there is nothing to restore.\nRun: inv session.resume {name}"
        )
    names = sorted({each.name for each in archives})
    listed = ", ".join(names) or "none"
    missing = f'No removed session "{name}".{suggest_name(name, names)}' if name else "session.restore needs a NAME."
    raise SessionError(f"{missing} Known: {listed}\nList them: inv session.list --removed")


def _beginning(at: str) -> str:
    """Return how the directory of an archive is called whose time is *at*, also as `list --removed --json` has it."""
    try:
        if "-" in at:
            return f"{datetime.fromisoformat(at).astimezone():%Y%m%dT%H%M%S}"
    except ValueError:
        pass
    return at


def plan_restore(saved: archive.Archive, repository: Repository, other_ports: set[int]) -> Session:
    """Return the session of *saved*, complete; its ports are its old ones unless they are in *other_ports* or in use.

    Raises `SessionError` when its name, directory or branch are taken.
    """
    rows = registry.read_registry(repository)
    before = session_of(saved, repository)
    _refuse_taken(saved, before.slug, rows, repository)
    if os.path.lexists(before.worktree) and not aside.is_own_worktree(saved, repository, before.worktree):
        raise SessionError(
            f"{before.worktree} already exists. Move it away.\nThen run: inv session.restore {saved.name}"
        )
    branches = git.list_branches(repository)
    branch = branches.get(f"refs/heads/{before.branch}")
    if branch is None:
        plan_branch.refuse_beside(before.branch, branches, repository)
    if branch is not None and branch.checkout:
        raise SessionError(f"Branch {before.branch} is checked out at {branch.checkout}. Check out another one there.")
    tip = saved.facts["tip"] or saved.facts["head"]
    if branch is not None and branch.commit != tip:
        other = f"git branch -m {before.branch} {before.branch}-other"
        raise SessionError(f"Another branch {before.branch} exists by now. Rename it.\nRun: {other}")
    session = _still(before)._replace(state="adding", tip=tip, archive=str(saved.directory), tracks="", adopts="",
        creates_branch=branch is None,
    )  # fmt: skip
    session = _with_volumes(session)
    own = {port for each in rows.values() for port in ports.ports_in_row(each).values()}
    return _on_free_ports(session, other_ports | own)


def _still(session: Session) -> Session:
    """Return *session* as one that isn't started, if it was stopped when `fleet.move` took it."""
    if terminal.CALLED not in os.environ:
        return session
    from ..system import caller

    return session._replace(bare=session.bare or caller.find_caller().still)


def _with_volumes(session: Session) -> Session:
    """Return *session* with the volumes that were kept, or belong to nobody else, and whether its setup runs again.

    It does where it may have made something that no archive has: caches, or data in volumes that were not kept.
    """
    kept = True
    if session.compose is not None:
        from ..tools import docker
        from . import compose

        containers = compose.unclaimed_resources(session, session.compose)
        kept = bool({*containers.found} - {*docker.list_networks(containers.project)})
        session = session._replace(compose=containers)
    return session if kept and not session.thin else session._replace(setup_done=())


def session_of(saved: archive.Archive, repository: Repository) -> Session:
    """Return the session that *saved* is a copy of."""
    return rows.session_from_row(
        saved.name, saved.facts["row"], repository, refuse_settings, saved.directory / "row.json"
    )


def _refuse_taken(saved: archive.Archive, slug: str, rows: Mapping[str, registry.Row], repository: Repository) -> None:
    name, time = saved.name, saved.directory.name
    if name in rows and rows[name].get("state", "ready") == "ready":
        fix = f"inv session.remove {name}\nThen run: inv session.restore {name} --at {time}"
        raise SessionError(f"Session {name} already exists. To restore the removed one, remove it first.\nRun: {fix}")
    planning.refuse_taken_name(name, slug, rows, files.place_key(repository))  # both were here, where that works


def refuse_settings(*_row: Any) -> Session:
    """Raise `SessionError`: our own rows need no settings."""
    raise SessionError("This archive is of another tool's session, whose row doesn't say enough to restore it.")


def _holder(port: int, other_ports: set[int]) -> str:
    """Return who has *port*: a program that uses it now, or a session that it belongs to."""
    if port in other_ports and ports.is_port_free(port):
        return "another session"
    from ..system import listening

    return listening.who_listens(port)


def _on_free_ports(session: Session, other_ports: set[int]) -> Session:
    if all(port not in other_ports and ports.is_port_free(port) for port in session.ports.values()):
        return session
    new_ports = ports.choose_ports(session.ports, other_ports)
    for key, old in session.ports.items():
        if new_ports[key] != old:
            notice(f"{key} {old} is taken by {_holder(old, other_ports)}. It is {new_ports[key]} now.")
    moved = {str(old): str(new_ports[key]) for key, old in session.ports.items()}
    env = {file: _renumbered(values, moved) for file, values in session.env.items()}
    windows = tuple(Window(**_renumbered(window._asdict(), moved)) for window in session.windows)
    variables = _renumbered(session.variables, moved)
    databases = {file: _renumbered(values, moved) for file, values in session.databases.items()}
    return session._replace(
        ports=new_ports, env=env, variables=variables, databases=databases, windows=windows, moved=True
    )


def _renumbered(values: Mapping[str, Any], moved: Mapping[str, str]) -> dict[str, Any]:
    """Return *values* with each old port, where it stands as a number of its own, replaced by its new one."""
    pattern = re.compile(rf"(?<!\d)({'|'.join(map(re.escape, moved))})(?!\d)")
    return {k: pattern.sub(lambda m: moved[m[1]], v) if isinstance(v, str) else v for k, v in values.items()}
