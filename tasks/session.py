"""The tasks of `inv session`: what they take and what they print."""

from __future__ import annotations

import json as jsonlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.context import Context

from .command import command
from .errors import SessionError
from .settings import DEFAULTS

if TYPE_CHECKING:
    from .model import Repository, Session
    from .settings import Settings

_NAME = {"name": "the session; inside its worktree it may be left out"}


@command("name", aliases=("create",), help={
    "name": "what to call it: exactly so the branch, with - for odd characters the directory and the tmux session",
    "base": "what a new branch starts from, instead of the configured base",
    "dry-run": "print what would be made and change nothing",
    "json": "answer as JSON",
})  # fmt: skip
def add(c: Context, name: str, base: str = "", dry_run: bool = False, json: bool = False) -> None:
    """Make a session: worktree, branch, ports, files, tmux windows, servers, conversation.

    Example: inv session.add feature/login
    """
    from . import display, lifecycle, status

    repository, settings = _here(), _settings(c, base)
    if dry_run or c.config.run.dry:
        planned = lifecycle.plan(name, settings, repository)
        _answer(display.plan(planned, lifecycle.RESOURCES, lifecycle.label))
        return
    made = lifecycle.add(name, settings, repository)
    _answer(_json(status.of([made], repository)[0].record()) if json else display.added(made))


@command("name", aliases=("destroy", "rm"), help={
    **_NAME,
    "force": "remove uncommitted, untracked and unmerged work with it",
    "keep-branch": "leave the branch",
    "all": "remove every session",
    "dry-run": "print what would be removed and change nothing",
})  # fmt: skip
def remove(
    c: Context, name: str = "", force: bool = False, keep_branch: bool = False, all: bool = False, dry_run: bool = False
) -> None:
    """Remove a session: servers, tmux session, worktree and branch; refuses while that would lose work.

    Example: inv session.remove feature/login
    """
    from . import display, lifecycle

    failed: list[str] = []
    chosen, inside = _chosen(c, name, all), Path.cwd()
    for session in chosen:
        try:
            if dry_run or c.config.run.dry:
                _answer(display.removal(lifecycle.plan_removal(session, force, keep_branch)))
            else:
                lifecycle.remove(session, force, keep_branch)
                lost = (
                    f"; this directory went with it: cd {Path.cwd()}" if inside.is_relative_to(session.worktree) else ""
                )
                _answer(f"removed {session.name}{lost}")
        except SessionError as error:
            failed.append(str(error))
    _fail(failed)


@command("name", help={"name": "the session; without it every session"})
def resume(c: Context, name: str = "") -> None:
    """Bring sessions back after a reboot; what runs already is left alone.

    Example: inv session.resume
    """
    from . import display, lifecycle, status

    sessions = _chosen(c, name, all=not name)
    failed = lifecycle.resume(sessions)
    _answer(display.table(status.of(_chosen(c, name, all=not name), _here())))
    _fail(failed)


@command("name", help={**_NAME, "all": "start every session"})
def start(c: Context, name: str = "", all: bool = False) -> None:
    """Start what was stopped: tmux session, servers and conversation.

    Example: inv session.start feature/login
    """
    from . import display, lifecycle, status

    sessions = _chosen(c, name, all)
    failed = lifecycle.resume(sessions)
    _answer(display.table(status.of(sessions, _here())))
    _fail(failed)


@command("name", help={**_NAME, "all": "stop every session"})
def stop(c: Context, name: str = "", all: bool = False) -> None:
    """End the servers and the tmux session; files, branch, ports and conversation stay.

    Example: inv session.stop feature/login
    """
    from . import lifecycle

    failed = []
    for session in _chosen(c, name, all):
        try:
            lifecycle.stop(session)
            _answer(f"stopped {session.name}; to go on: inv session.start {session.name}")
        except SessionError as error:
            failed.append(f"{session.name}: {error}")
    _fail(failed)


@command(aliases=("ls",), help={"json": "answer as JSON"})
def list_(c: Context, json: bool = False) -> None:
    """Show every session with its branch, ports, state and work.

    Example: inv session.list
    """
    from . import display, status

    repository = _here()
    found = status.of(_all(c, repository), repository)
    _answer(_json([each.record() for each in found]) if json else display.table(found))


@command("name", help={**_NAME, "json": "answer as JSON"})
def show(c: Context, name: str = "", json: bool = False) -> None:
    """Show everything about one session.

    Example: inv session.show feature/login
    """
    from . import display, status

    repository = _here()
    found = status.of(_chosen(c, name), repository)[0]
    _answer(_json(found.record()) if json else display.details(found))


@command("name", help=_NAME)
def attach(c: Context, name: str = "") -> None:
    """Go to a session's tmux session; from inside tmux the terminal switches to it.

    Example: inv session.attach feature/login
    """
    from . import attaching

    attaching.attach(_chosen(c, name)[0])


def _here() -> Repository:
    from . import git

    try:
        start = Path.cwd()
    except FileNotFoundError:
        raise SessionError("the current directory was deleted; go to the main checkout: cd") from None
    return git.locate(start)


def _settings(c: Context, base: str = "") -> Settings:
    from .settings import load

    configured = c.config.get("session") or {}
    if not hasattr(configured, "items"):
        raise SessionError(f"session: expected a table of settings, found {configured!r}")
    return load({**_plain(configured), **({"base": base} if base else {})})


def _plain(value: Any) -> Any:
    return {key: _plain(item) for key, item in value.items()} if hasattr(value, "items") else value


def _all(c: Context, repository: Repository) -> list[Session]:
    from . import records, registry

    rows = registry.rows(repository)
    return [records.session(name, rows[name], repository, lambda: _settings(c)) for name in sorted(rows)]


def _chosen(c: Context, name: str, all: bool = False) -> list[Session]:
    """Return the session NAME, or that of the worktree we are in, or all of them."""
    repository = _here()
    known, inside = _all(c, repository), Path.cwd()
    if all:
        return known
    for session in known:
        if session.name == name or (not name and inside.is_relative_to(session.worktree)):
            return [session]
    listed = f"known: {', '.join(session.name for session in known)}" if known else "there is none"
    if not name:
        raise SessionError(f"a NAME is needed outside of a session's worktree; {listed}")
    raise SessionError(f"no session is called {name!r}; {listed}. To make it: inv session.add {name}")


def _json(value: object) -> str:
    return jsonlib.dumps(value, indent=2, ensure_ascii=False)


def _answer(text: str) -> None:
    print(text)
    sys.stdout.flush()


def _fail(messages: list[str]) -> None:
    if messages:
        raise SessionError("\n".join(messages))


ns = Collection("session", add, remove, resume, start, stop, show, attach)
ns.add_task(list_, name="list", aliases=("ls",))
ns.configure({"session": DEFAULTS})
