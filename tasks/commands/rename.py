"""`inv session.rename`."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from invoke.context import Context

from .command import CHANGED, JSON, answer, answer_done, as_json, command

if TYPE_CHECKING:
    from ..model import Session


@command("old", "new", help={
    "old": "session to rename (default: that of the worktree you are in)",
    "new": "its new name",
    "dry-run": "show what would be renamed, without changing anything",
    **CHANGED,
    **JSON,
})  # fmt: skip
def rename(
    c: Context, old: str = "", new: str = "", dry_run: bool = False, yes: bool = False, json: bool = False
) -> None:  # fmt: skip
    """Rename a session: its branch and tmux session, too.

    Ports, databases and conversation stay. The directory is renamed when nothing runs there: now, or by session.stop.

    Example: inv session.rename feature/auth feature/login
    """
    from ..errors import SessionError
    from ..integrate import rename as integrate_rename

    if not old:
        raise SessionError("Which name?\nRun: inv session.rename OLD NEW")
    before, new = (old, new) if new else ("", old)
    inside = Path.cwd()
    if dry_run or c.config.run.dry:
        before, renamed, stays = _planned(c, before, new)
    else:
        before, renamed = _renamed(c, before, new, yes)
        renamed, stays = integrate_rename.move_directory(renamed)
    if json:
        places = {"branch": renamed.branch, "tmux": renamed.tmux, "worktree": str(renamed.worktree)}
        answer(as_json({"name": renamed.name, "before": before, **places, "directory_stays": stays}))
        return
    if dry_run or c.config.run.dry:
        answer(_told("Would rename", before, renamed, stays))
        return
    moved = "" if inside.exists() else f"\nYour directory was renamed, too.\nRun: cd {quote(str(renamed.worktree))}"
    answer_done(_told("Renamed", before, renamed, stays) + moved)


def _renamed(c: Context, name: str, new: str, yes: bool) -> tuple[str, Session]:
    """Rename the session, or finish a rename that was interrupted; return its name before, and the session."""
    from ..integrate import rename as integrate_rename
    from ..plan import row_consent
    from ..store import configuration
    from ..tools import git
    from . import selection

    interrupted = [each for each in selection.list_sessions(c, git.current_repository()) if each.name == new]
    if name and interrupted and integrate_rename.is_renamed(interrupted[0], name):
        integrate_rename.finish_renames(interrupted)
        return name, interrupted[0]
    session = selection.select_session(c, name)
    row_consent.require_sessions(c, [session], yes)
    return session.name, integrate_rename.rename_session(session, new, configuration.load_settings(c))


def _planned(c: Context, name: str, new: str) -> tuple[str, Session, str]:
    """Return the name that the session has, the session as it would be, and why its directory would stay."""
    from ..plan import rename as plan_rename
    from ..store import configuration
    from . import selection

    session = selection.select_session(c, name)
    renamed = plan_rename.plan_rename(session, new, configuration.load_settings(c))
    planned, stays = plan_rename.plan_directory(session, renamed)
    return session.name, planned, stays


def _told(fact: str, before: str, session: Session, stays: str) -> str:
    from ..integrate import rename as integrate_rename

    lines = [f"{fact} {before} to {session.name}: branch {session.branch}, tmux session {session.tmux}."]
    if stays:
        lines.append(f"{session.worktree} keeps its name for now, because {stays}.")
    else:
        lines.append(f"Its worktree: {session.worktree}")
    if remote := integrate_rename.remote_branch(session):
        there, _, short = remote.partition("/")
        lines.append(f"{remote} keeps its name.\nPush there: git push {there} {session.branch}:{short}")
    return "\n".join(lines)
