"""The parts of a session: how they are made, some of them at once, and removed again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from typing import Any

from ..errors import SessionError, describe_error
from ..model import Problem, Resource, Session
from ..store import exclude, ports, registry
from ..system import progress, signals, startup
from . import claude_project, files, tmux_session, worktree

_TASKS = __package__.rpartition(".")[0]

# What is needed once the windows are open.
_LATER = (
    "system.json_splice", "system.copy", "system.envfile", "resources.claude_rules", "resources.window_programs",
    "resources.setup_commands", "views.details",
)  # fmt: skip
_RESTORED = ("claude.state", "store.old_archive")


class Late:
    """The resource in the module *name*, which is loaded for a session that has one; *remains*: also to remove it."""

    def __init__(self, name: str, label: str, has_one: Callable[[Session], object], remains: bool = True) -> None:
        self.LABEL = label
        self._name, self._has_one, self._remains = name, has_one, remains

    def __getattr__(self, key: str) -> Any:
        return getattr(import_module(f".{self._name}", __package__), key)

    def describe(self, session: Session) -> str:
        """Return what the module's does; empty for a session without one."""
        return str(self.__getattr__("describe")(session)) if self._has_one(session) else ""

    def create(self, session: Session) -> None:
        """Make it, if the session has one."""
        if self._has_one(session):
            self.__getattr__("create")(session)

    def remove(self, session: Session) -> None:
        """Remove it, if the session has one and it doesn't go with something else."""
        if self._remains and self._has_one(session):
            self.__getattr__("remove")(session)

    def problems(self, session: Session) -> list[Problem]:
        """Return what is wrong with it."""
        return list(self.__getattr__("problems")(session)) if self._has_one(session) else []


def create_all(session: Session, resources: Sequence[Resource], begun: list[Resource]) -> None:
    """Make each of *resources*, after adding it to *begun*: one that fails halfway has to be removed as well."""
    for resource in [each for each in resources if each not in begun]:
        if resource is worktree and not (session.archive or session.adopts or session.is_taken):
            _check_out(session, resources, begun)
        elif resource not in begun:
            _make(session, resource, begun)


def _check_out(session: Session, resources: Sequence[Resource], begun: list[Resource]) -> None:
    try:
        _make(session, worktree, begun, partial(_meanwhile, session, resources, begun))
    except BaseException:
        begun.append(files)  # whose copies wait in git's directory
        raise


def _make(
    session: Session, resource: Resource, begun: list[Resource], meanwhile: worktree.Meanwhile | None = None
) -> None:
    begun.append(resource)
    if resource is tmux_session:
        later = (*_LATER, *(_RESTORED if session.archive else ()))
        startup.prefetch_modules(*(f"{_TASKS}.{name}" for name in later))  # while the shells start
    detail = resource.describe(session)
    with progress.tell_step(resource.LABEL, detail) if detail else nullcontext():
        worktree.create(session, meanwhile) if meanwhile else resource.create(session)


def _meanwhile(
    session: Session, resources: Sequence[Resource], begun: list[Resource],
    is_writing: Callable[[], bool], has_ended: Callable[[], bool],
) -> None:  # fmt: skip
    """Make what needs no file of the worktree while git writes them: shells boot, and a database is copied."""
    from . import early

    opening = early.windows_early(session) if tmux_session in resources else None
    if not is_writing():
        return
    if opening and early.await_directories(session, has_ended):
        _make(opening, tmux_session, begun)
    _make(session, claude_project, begun)
    files.begin_copies(session)
    if files.has_own_packages(session):
        from . import packages

        packages.begin_packages(session)


def undo_all(session: Session, begun: Sequence[Resource], running: Sequence[Resource]) -> None:
    """Remove what was *begun*, what is *running* first; drop the row unless something couldn't be removed."""
    with signals.signals_held():
        leftovers = remove_all(session, [resource for resource in begun if resource in running])
        leftovers += remove_all(session, [resource for resource in begun if resource not in running])
        failure = f": {sys.exc_info()[1]}"  # which is printed at the end, with what to do
        for leftover in (each.splitlines()[0] if each.endswith(failure) else each for each in leftovers):
            progress.notice(f"Couldn't remove {leftover}")
        if leftovers:
            progress.notice(f"{session.name} is only partly removed.\nRun: inv session.remove {session.name}")
        else:
            release_session(session)
            if session.archive:
                progress.say(f"{session.name} is still removed, and what was saved of it is still there.")
            else:
                progress.say(f"{session.name} was removed completely.")


def remove_all(session: Session, resources: Sequence[Resource]) -> list[str]:
    """Remove *resources*, the last one first; return a message for each that failed."""
    leftovers = []
    for resource in reversed(resources):
        try:
            resource.remove(session)
        except (SessionError, OSError) as error:  # raising here would hide why the add failed
            leftovers.append(f"{resource.LABEL}: {describe_error(error)}")
    return leftovers


def release_session(session: Session) -> None:
    """Drop the row of *session*; with the last one, take the repository off the machine's list."""
    count = registry.drop_row(session.repository, session.name)
    exclude.refresh_exclude(session.repository)  # two removals at once each leave the other's lines
    if not count:
        try:
            ports.leave_machine(session.repository)
        except (SessionError, OSError) as error:  # the next `add` or `remove` tries again
            progress.notice(f"Couldn't remove this repository from the machine's list: {describe_error(error)}")
