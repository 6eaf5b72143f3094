"""A rebase or merge in a session's worktree is aborted, without a loss of what was edited in the meantime."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Session
from ..system import progress
from ..tools import git, worktree_status
from . import half_rebase, kept_edits


def abort_step(session: Session, kind: str) -> str:
    """Abort the "rebase" or "merge" in progress, and return what was done; the caller has the session's lock."""
    place, back = session.worktree, "HEAD"
    rebase = half_rebase.read_rebase(place) if kind == "rebase" else None
    if rebase and not half_rebase.is_noted_whole(session.repository, rebase):
        return _quit(session)
    if rebase:
        half_rebase.take_back_start(place, rebase)
        back = rebase.start
    _go_back(session, kind, back, (kind, "--abort"))
    return f"Aborted the {kind}. {session.branch} is as it was before."


def tell_kept(edits: kept_edits.KeptEdits, paths: list[str], where: str) -> None:
    """Print which *paths* were saved, and how to bring them back."""
    if paths:
        names = worktree_status.list_paths(paths)
        progress.notice(f"Saved {names}: edited before {where}.\nRestore: {edits.restoring(paths)}")


def _quit(session: Session) -> str:
    """Leave a rebase of which git has too few notes to abort it."""
    if not half_rebase.is_on_branch(session.worktree):
        _go_back(session, "rebase", session.branch, ("checkout", "--quiet", "--force", session.branch))
    git.settle_git(session.worktree, "rebase", "--quit")
    head = git.read_git(session.worktree, "rev-parse", "--short=10", "HEAD").strip()
    return f"Ended a rebase that was killed as it began or ended. {session.branch} is at {head}."


def _go_back(session: Session, kind: str, back: str, step: Sequence[str]) -> None:
    """Have git abort with *step*, back to *back*; first save edits made in the meantime, which it would discard."""
    place = session.worktree
    base = kept_edits.find_stop(place)
    edits = kept_edits.save_edits(session, kept_edits.find_edits_since(place, base, back), base)
    try:
        if edits:
            kept_edits.clear_way(edits)
        git.settle_git(place, *step)
    except BaseException:
        if edits:
            kept_edits.put_back_edits(edits, always=True)
        raise
    if edits:
        tell_kept(edits, kept_edits.put_back_edits(edits), f"the {kind} was aborted")
