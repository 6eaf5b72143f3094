"""The tasks of `inv session`: what they take and what they print."""

from __future__ import annotations

import json as jsonlib
import sys
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context

from .command import command
from .errors import SessionError

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
    from . import choosing, display, lifecycle, status, walk

    repository, settings = choosing.here(), choosing.settings(c, base)
    if dry_run or c.config.run.dry:
        planned = lifecycle.plan(name, settings, repository)
        _answer(display.plan(planned, lifecycle.RESOURCES, walk.label))
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
    from . import choosing, display, lifecycle

    failed: list[str] = []
    chosen, inside = choosing.chosen(c, name, all), Path.cwd()
    for session in chosen:
        try:
            if dry_run or c.config.run.dry:
                _answer(display.removal(lifecycle.plan_removal(session, force, keep_branch)))
            else:
                saved = lifecycle.remove(session, force, keep_branch)
                _answer(display.gone(session, saved))
                if inside.is_relative_to(session.worktree):
                    _answer(f"this directory went with it: cd {Path.cwd()}")
        except SessionError as error:
            failed.append(str(error))
    _fail(failed)


@command("name", help={"name": "the session; without it every session"})
def resume(c: Context, name: str = "") -> None:
    """Bring sessions back after a reboot; what runs already is left alone.

    Example: inv session.resume
    """
    from . import choosing, display, lifecycle, status

    sessions = choosing.chosen(c, name, all=not name)
    failed = lifecycle.resume(sessions)
    _answer(display.table(status.of(choosing.chosen(c, name, all=not name), choosing.here())))
    _fail(failed)


@command("name", help={**_NAME, "all": "start every session"})
def start(c: Context, name: str = "", all: bool = False) -> None:
    """Start what was stopped: tmux session, servers and conversation.

    Example: inv session.start feature/login
    """
    from . import choosing, display, lifecycle, status

    sessions = choosing.chosen(c, name, all)
    failed = lifecycle.resume(sessions)
    _answer(display.table(status.of(sessions, choosing.here())))
    _fail(failed)


@command("name", help={**_NAME, "all": "stop every session"})
def stop(c: Context, name: str = "", all: bool = False) -> None:
    """End the servers and the tmux session; files, branch, ports and conversation stay.

    Example: inv session.stop feature/login
    """
    from . import choosing, lifecycle

    failed = []
    for session in choosing.chosen(c, name, all):
        try:
            lifecycle.stop(session)
            _answer(f"stopped {session.name}; to go on: inv session.start {session.name}")
        except SessionError as error:
            failed.append(f"{session.name}: {error}")
    _fail(failed)


@command("name", help={"name": "the removed session", "json": "answer as JSON"})
def restore(c: Context, name: str, json: bool = False) -> None:  # noqa: ARG001
    """Bring a removed session back: its commits, its uncommitted work, its database and `.env` files.

    Example: inv session.restore feature/login
    """
    from . import choosing, display, lifecycle, status

    repository = choosing.here()
    made = lifecycle.restore(name, repository)
    _answer(_json(status.of([made], repository)[0].record()) if json else display.added(made))


@command(help={"days": "drop what was removed longer ago", "dry-run": "print what would be dropped and change nothing"})
def prune(c: Context, days: float = 0.0, dry_run: bool = False) -> None:
    """Forget removed sessions that nobody restored, and sessions whose worktree is gone.

    Example: inv session.prune --dry-run
    """
    from . import choosing, pruning

    repository = choosing.here()
    limit = days or choosing.settings(c).keep_removed
    _answer(pruning.prune(repository, choosing.every(c, repository), limit, dry_run or c.config.run.dry))


@command(aliases=("ls",), help={"json": "answer as JSON", "removed": "show what session.restore can bring back"})
def list_(c: Context, json: bool = False, removed: bool = False) -> None:
    """Show every session with its branch, ports, state and work.

    Example: inv session.list
    """
    from . import archive, choosing, display, status

    repository = choosing.here()
    if removed:
        kept = archive.all_of(repository)
        _answer(_json([each.record() for each in kept]) if json else display.removed(kept))
        return
    found = status.of(choosing.every(c, repository), repository)
    _answer(_json([each.record() for each in found]) if json else display.table(found))


@command("name", help={**_NAME, "json": "answer as JSON"})
def show(c: Context, name: str = "", json: bool = False) -> None:
    """Show everything about one session.

    Example: inv session.show feature/login
    """
    from . import choosing, display, status

    repository = choosing.here()
    found = status.of(choosing.chosen(c, name), repository)[0]
    _answer(_json(found.record()) if json else display.details(found))


@command("name", help=_NAME)
def attach(c: Context, name: str = "") -> None:
    """Go to a session's tmux session; from inside tmux the terminal switches to it.

    Example: inv session.attach feature/login
    """
    from . import attaching, choosing

    attaching.attach(choosing.chosen(c, name)[0])


def _json(value: object) -> str:
    return jsonlib.dumps(value, indent=2, ensure_ascii=False)


def _answer(text: str) -> None:
    print(text)
    sys.stdout.flush()


def _fail(messages: list[str]) -> None:
    if messages:
        raise SessionError("\n".join(messages))


ns = Collection("session", add, remove, restore, resume, start, stop, show, attach, prune)
ns.add_task(list_, name="list", aliases=("ls",))
