"""What `remove` would take away: every refusal, before any effect."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..errors import CommandError, SessionError
from ..model import Removal, Session
from ..resources import worktree
from ..store import registry
from ..system import files
from ..system.progress import muted_output, notice
from ..tools import git, merged, tmux, worktree_status, worktrees


def plan_removal(session: Session, how: Removal) -> Session:
    """Return *session* as it is to be removed: with the commit that its branch must still have.

    Raises `SessionError` naming the work that exists nowhere else, unless forced.
    """
    return examine_removal(session, how)[0]


def examine_removal(session: Session, how: Removal) -> tuple[Session, worktree_status.Work | None]:
    """Return what `plan` does, and what was work in the worktree; None where that cannot be told."""
    doomed, tree, work = _look(session, how)
    ready = session.state == "ready"
    _refuse_neighbours(session)
    if ready and not how.force:  # else it was agreed to, and interrupted, or what is in it was made by us
        _refuse_unforced(doomed, tree, work, how)
    if how.shown is not None:
        _refuse_changed(doomed, tree, work, how)
    if tree.admin_dir is None and ready and worktree.is_known(session):
        notice(
            f"{session.worktree} isn't there, so its files can't be saved. If you find it, move it back there.\n"
            f"Then run: inv session.restore {session.name}"
        )
    return _with_volumes(doomed, how), work


def removal_state(session: Session, how: Removal) -> tuple[str, bool]:
    """Return what stands for all that a removal of *session* would take now, and whether it would lose nothing."""
    doomed, tree, work = _look(session, how)
    loss = _loss(doomed, tree, work, how)
    return _state(doomed, work, loss), not (loss or _refusal(partial(_refuse_neighbours, session)))


def _look(session: Session, how: Removal) -> tuple[Session, git.Worktree, worktree_status.Work | None]:
    tmux.require_tmux()
    tree, ready = worktree.find_own_worktree(session), session.state == "ready"
    if tree.admin_dir is None and ready and (away := worktrees.find_displaced(session)):
        again = f"inv session.remove {session.name}"
        raise SessionError(f"{away[0]}, so what is in it can't be saved.\nFix: {away[1]}\nThen run: {again}")
    work = _read_work(session, tree) if tree.admin_dir is not None else None
    tip = work.head if work is not None and work.branch == session.branch else _tip_elsewhere(session, how)
    return session._replace(tip=tip, creates_branch=session.creates_branch and not how.keep_branch), tree, work


def _state(doomed: Session, work: worktree_status.Work | None, loss: str) -> str:
    import hashlib

    paths = (work.head, work.branch, work.changed, work.untracked, work.closed) if work is not None else ()
    return hashlib.sha256(repr((doomed.state, doomed.tip, doomed.creates_branch, paths, loss)).encode()).hexdigest()


def _loss(doomed: Session, tree: git.Worktree, work: worktree_status.Work | None, how: Removal) -> str:
    """Return all that `remove` without `--force` refuses to lose."""
    unforced = how._replace(force=False)

    def check() -> None:
        _refuse_unforced(doomed, tree, work, unforced)
        _with_volumes(doomed, unforced)

    with muted_output():
        return _refusal(check) if doomed.state == "ready" else ""


def _refuse_changed(doomed: Session, tree: git.Worktree, work: worktree_status.Work | None, how: Removal) -> None:
    """Refuse what isn't as a person saw it when they agreed to the removal."""
    loss = _loss(doomed, tree, work, how)
    if how.shown is None or how.shown.get(doomed.name) == _state(doomed, work, loss):
        return
    now = f"\n{loss.removesuffix(_advice(doomed))}" if loss else ""
    raise SessionError(
        f"Session {doomed.name} has changed since its removal was shown, so it was kept.{now}\n"
        f"Look again: inv session.remove {doomed.name} --dry-run"
    )


def _refuse_unforced(doomed: Session, tree: git.Worktree, work: worktree_status.Work | None, how: Removal) -> None:
    _refuse_locked(doomed, tree)
    worktree.refuse_absent(doomed)
    _refuse_loss(doomed, tree, work, how)


def _advice(doomed: Session) -> str:
    return f"\nRun: inv session.remove {doomed.name} --force"


def _refuse_loss(doomed: Session, tree: git.Worktree, work: worktree_status.Work | None, how: Removal) -> None:
    """Raise `SessionError` with all that would be lost: who agrees to one loss must have seen the others."""
    checks = (
        partial(_refuse_in_progress, doomed, tree), partial(_refuse_uncommitted, doomed, work),
        partial(_refuse_unmerged, doomed, work, how.merged_tips),
    )  # fmt: skip
    refusals = [refusal for check in checks if (refusal := _refusal(check))]
    if refusals:  # else who called us asks about the volumes next
        if volumes := _refusal(partial(_with_volumes, doomed, how)):
            refusals.append(volumes)
        raise SessionError("\n".join([*(each.removesuffix(_advice(doomed)) for each in refusals[:-1]), refusals[-1]]))


def _refusal(check: Callable[[], object]) -> str:
    """Return why *check* refuses; empty where it doesn't."""
    try:
        check()
    except CommandError:
        raise
    except SessionError as error:
        return str(error)
    return ""


def removal_warnings(session: Session, work: worktree_status.Work | None) -> list[str]:
    """Return what a restore of *session* would not bring back, or could not because of other repositories."""
    untracked = [path for path in work.untracked if path.endswith("/")] if work is not None else []
    if not (session.thin or session.compose or untracked):
        return []
    from ..store import lost

    return lost.removal_warnings(session, untracked)


def _read_work(session: Session, tree: git.Worktree) -> worktree_status.Work | None:
    """Return what was work in the worktree; None where git cannot tell because making or removing it was cut off."""
    try:
        return worktree_status.read_work(session, worktree=tree, refreshes=False)
    except SessionError:
        if session.state == "ready":
            raise
        return None


def _refuse_neighbours(session: Session) -> None:
    """Refuse to take another session's worktree along."""
    inside = f"{session.worktree}{os.sep}"  # as texts: a path for each of a hundred rows takes ten times as long
    for name, row in registry.read_registry(session.repository).items():
        if os.path.normpath(row["worktree"]).startswith(inside):
            raise SessionError(
                f"The worktree of session {name} is inside {session.worktree}.\nRun: inv session.remove {name}"
            )


def _refuse_locked(session: Session, tree: git.Worktree) -> None:
    if worktree.is_locked(session, tree):
        unlock = f"git worktree unlock {shlex.quote(str(session.worktree))}"
        raise SessionError(f"{session.worktree} is locked.\nRun: {unlock}")


def _with_volumes(doomed: Session, how: Removal) -> Session:
    """Return *doomed* with the decision about its volumes; raise if the engine does not answer.

    Unless forced: then it is without containers, and a note says that they stay.
    """
    if doomed.compose is None:
        return doomed
    from ..resources import compose_project

    keeps = how.keep_volumes or doomed.compose.keeps_volumes
    try:
        volumes = compose_project.describe_volumes(doomed)
    except SessionError as error:
        if not how.force:
            raise SessionError(
                f"{error}\nTo remove everything else without it, run: inv session.remove {doomed.name} --force"
            ) from None
        notice(compose_project.unreached_project(doomed.compose.project, str(error).splitlines()[0]))
        return doomed._replace(compose=None)
    if volumes and doomed.state == "ready" and not (keeps or how.force):
        raise SessionError(
            f"Session {doomed.name} has volumes, whose data is nowhere else: {', '.join(volumes)}\n"
            f"To keep them for a later session of the same name, run: inv session.remove {doomed.name} --keep-volumes\n"
            f"To delete them for good (they are not saved), run: inv session.remove {doomed.name} --force"
        )
    if volumes and doomed.state == "ready" and not keeps:
        notice(f"The volumes of {doomed.name} are deleted for good: {', '.join(volumes)}")
    return doomed._replace(compose=doomed.compose._replace(keeps_volumes=keeps))


def _tip_elsewhere(session: Session, how: Removal) -> str:
    """Return the commit of the branch, which is not checked out in the worktree; empty when there is none."""
    branch = git.list_branches(session.repository).get(f"refs/heads/{session.branch}")
    if branch is None:
        return ""
    elsewhere = session.creates_branch and not files.is_same_place(Path(branch.checkout), session.worktree)
    if branch.current and elsewhere and not how.keep_branch:
        raise SessionError(
            f"Branch {session.branch} is checked out in the main checkout. To remove the session and keep the branch,"
            f" run: inv session.remove {session.name} --keep-branch"
        )
    if branch.checkout and elsewhere and not branch.current:
        moved = f"git worktree move {shlex.quote(branch.checkout)} {shlex.quote(str(session.worktree))}"
        raise SessionError(f"Branch {session.branch} is checked out at {branch.checkout}.\nMove it back: {moved}")
    return branch.commit


def _refuse_in_progress(session: Session, tree: git.Worktree) -> None:
    if operations := worktree_status.list_git_operations(session, tree):
        raise SessionError(
            f"A git operation is in progress in {session.worktree} ({operations[0].name}). Finish or abort it,"
            f" or remove it with the session.\nRun: inv session.remove {session.name} --force"
        )


def _refuse_uncommitted(session: Session, work: worktree_status.Work | None) -> None:
    if work is None or not work.dirty:
        return
    raise SessionError(
        f"Session {session.name} has uncommitted changes in"
        f" {session.worktree}:\n{worktree_status.list_uncommitted(work)}\n"
        "Commit them, or remove them with the session: session.restore brings them back.\n"
        f"Run: inv session.remove {session.name} --force"
    )


def _refuse_unmerged(doomed: Session, work: worktree_status.Work | None, known: tuple[str, ...]) -> None:
    ends = {doomed.tip} if doomed.creates_branch else set()
    if work is not None and work.branch != doomed.branch:
        ends.add(work.head)  # commits on a detached HEAD belong to no branch
    ends -= {doomed.start, "", *known, _merged(doomed)}
    if not ends:
        return
    keepers = [doomed.base or "HEAD"] if git.resolve_commit(doomed.repository, doomed.base or "HEAD") else []
    if work is not None and work.branch not in (doomed.branch, "(detached)"):
        keepers.append(f"refs/heads/{work.branch}")  # another branch, which stays
    proofs = [merged.find_proof(doomed.repository, end, keepers) for end in sorted(ends)]
    if all(proofs):
        notice(f"{doomed.branch} is merged: {', '.join(dict.fromkeys(proofs))}.")
    elif count := merged.count_unmerged_commits(doomed.repository, sorted(ends), keepers):
        raise SessionError(
            f"Session {doomed.name} has {count} unmerged commit{'s' if count > 1 else ''} on {doomed.branch},"
            f" in neither {doomed.base or 'HEAD'} nor any remote branch.\n"
            "Merge or push them, keep the branch (--keep-branch), or remove them with the session.\n"
            f"Run: inv session.remove {doomed.name} --force"
        )


def _merged(session: Session) -> str:
    """Return the commit that `session.merge` brought to a branch, if that still has it.

    A squash onto other commits is not always a patch that could be found again. What `fleet.merge` did is on the
    machine that it was called from, and the session's base since then.
    """
    if session.based and session.merged_as and session.base == session.merged_as:
        return session.merged_tip
    into = git.resolve_commit(session.repository, f"refs/heads/{session.merged_into}") if session.merged_into else ""
    if not into or not git.resolve_commit(session.repository, session.merged_as):
        return ""
    return "" if git.count_beyond(session.repository, session.merged_as, into) else session.merged_tip
