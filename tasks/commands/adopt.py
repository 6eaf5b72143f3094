"""`inv session.adopt`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from .command import command

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..model import Repository, Session
    from ..plan.existing import Wanted


@command("name", help={
    "name": "name of the new session, or with --tmux and --conversation of one that exists",
    "commits": "number of latest commits to move, all of them unpushed",
    "changes": "move the uncommitted changes (default)",
    "worktree": "path of a worktree that exists, to make a session of",
    "tmux": "name of a tmux session that exists: what runs in it continues",
    "conversation": "id of a Claude Code conversation that exists, to continue in the session",
    "yes": "approve values that are not committed or approved yet",
    "json": "print JSON",
})  # fmt: skip
def adopt(
    c: Context, name: str = "", commits: str = "", changes: bool = False, worktree: str = "", tmux: str = "",
    conversation: str = "", yes: bool = False, json: bool = False,
) -> None:  # fmt: skip
    """Make a session of work that was begun without one.

    By default it moves the uncommitted changes of the main checkout into a new session. With --worktree, --tmux or
    --conversation it brings in what exists, where it is.

    Example: inv session.adopt feature/login --commits 2
    """
    from ..plan.existing import Wanted
    from ..store import configuration
    from ..tools import git
    from . import report

    wanted = Wanted(worktree, tmux, conversation)
    count = _check_options(name, commits, changes, any(wanted))
    repository, settings = git.current_repository(), configuration.load_settings(c)
    if any(wanted):
        session = _adopt_existing(c, name, wanted, settings, repository, yes)
    else:
        session = _adopt_work(c, name, count, settings, repository, yes)
    report.answer_session(c, session, json)


def _check_options(name: str, commits: str, changes: bool, exists: bool) -> int:
    """Return the number of commits to move; raise `SessionError` where the options exclude each other."""
    from ..errors import SessionError, quote_text

    if exists and (commits or changes):
        which = "--commits" if commits else "--changes"
        raise SessionError(f"{which} moves work from the main checkout. Leave it out, or --worktree and the like.")
    if not (name or exists):
        raise SessionError("A new session needs a NAME.\nRun: inv session.adopt feature/login")
    if commits and changes:
        raise SessionError("Give --commits or --changes, not both.")
    if commits and not (commits.isdecimal() and int(commits)):
        raise SessionError(f"--commits must be a number of commits, 1 or more, not {quote_text(commits)}.")
    return int(commits or 0)


def _adopt_work(
    c: Context, name: str, count: int, settings: Settings, repository: Repository, yes: bool
) -> Session:  # fmt: skip
    from ..integrate import adopt as integrate_adopt
    from ..model import Request
    from ..plan import consent

    consent.require_configuration(c, settings, repository, yes)
    return integrate_adopt.adopt_work(Request(name=name), settings, repository, count)


def _adopt_existing(
    c: Context, name: str, wanted: Wanted, settings: Settings, repository: Repository, yes: bool
) -> Session:  # fmt: skip
    from ..integrate import adopt_existing
    from ..model import Request
    from ..plan import consent, row_consent
    from . import selection

    session = next((each for each in selection.list_sessions(c, repository) if each.name == name), None)
    if session is None:
        consent.require_configuration(c, settings, repository, yes)
    else:
        row_consent.require_sessions(c, [session], yes)
    return adopt_existing.adopt_existing(Request(name=name), wanted, session, settings, repository)
