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
    **CHANGED,
    **JSON,
})  # fmt: skip
def rename(c: Context, old: str = "", new: str = "", yes: bool = False, json: bool = False) -> None:
    """Rename a session: its branch and tmux session, too.

    Ports, databases and conversation stay. The directory is renamed when nothing runs there: now, or by session.stop.

    Example: inv session.rename feature/auth feature/login
    """
    from ..errors import SessionError
    from ..integrate import rename as integrate_rename
    from ..plan import row_consent
    from ..store import configuration
    from ..tools import git
    from . import selection

    if not old:
        raise SessionError("Which name?\nRun: inv session.rename OLD NEW")
    name, new = (old, new) if new else ("", old)
    repository = git.current_repository()
    interrupted = [each for each in selection.list_sessions(c, repository) if each.name == new]
    if name and interrupted and integrate_rename.is_renamed(interrupted[0], name):
        integrate_rename.finish_renames(interrupted)
        renamed = interrupted[0]
    else:
        session = selection.select_session(c, name)
        row_consent.require_sessions(c, [session], yes)
        name = session.name
        renamed = integrate_rename.rename_session(session, new, configuration.load_settings(c))
    inside = Path.cwd()
    renamed, stays = integrate_rename.move_directory(renamed)
    if not json:
        moved = "" if inside.exists() else f"\nYour directory was renamed, too.\nRun: cd {quote(str(renamed.worktree))}"
        answer_done(_told(name, renamed, stays) + moved)
        return
    places = {"branch": renamed.branch, "tmux": renamed.tmux, "worktree": str(renamed.worktree)}
    answer(as_json({"name": renamed.name, "before": name, **places, "directory_stays": stays}))


def _told(before: str, session: Session, stays: str) -> str:
    from ..integrate import rename as integrate_rename

    lines = [f"Renamed {before} to {session.name}: branch {session.branch}, tmux session {session.tmux}."]
    if stays:
        lines.append(f"{session.worktree} keeps its name for now, because {stays}.")
    else:
        lines.append(f"Its worktree: {session.worktree}")
    if remote := integrate_rename.remote_branch(session):
        there, _, short = remote.partition("/")
        lines.append(f"{remote} keeps its name.\nPush there: git push {there} {session.branch}:{short}")
    return "\n".join(lines)
