"""Bringing a session's branch onto its base: by a rebase, or by a merge once it was pushed or has merges."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress

from ..errors import CommandError, SessionError
from ..model import Session
from ..store import registry
from ..system import progress, signals
from ..tools import fetch, git, worktree_status
from . import abort, checks, half_checkout, interrupted_sync, kept_edits
from . import base as integrate_base


def sync_session(session: Session, fetches: bool = True, aborts: bool = False) -> str:
    """Put the commits of *session* on top of its base, which it *fetches* first, and return what was done.

    Raises `SessionError` on conflicts, which stay in the worktree for the person, with what to do; where it *aborts*,
    the branch is as before.
    """
    with signals.signals_raised(), registry.session_lock(session.repository, session.name):
        checks.refuse_stale_locks(session)
        work = checks.require_ready(session)
        checks.refuse_dirty(session, work, untracked=False)
        if fetches:
            fetch.fetch_base(integrate_base.find_base(session).name, session.repository)
        try:
            return _onto(session, work.head, integrate_base.find_base(session))
        except interrupted_sync.StoppedError as error:
            if aborts:
                raise _aborted(session, error) from None
            if not error.by_signal:  # else the next command takes it back
                interrupted_sync.forget_step(session)
            raise


def _aborted(session: Session, stopped: interrupted_sync.StoppedError) -> SessionError:
    """Abort what git *stopped* at, and return what is raised instead."""
    with signals.signals_held():
        interrupted_sync.abort_stopped(session, stopped.kind)
    fact = str(stopped).splitlines()[0]
    return SessionError(f"{fact}\nThe branch is as it was.\nRun: inv session.sync {session.name}")


def _onto(session: Session, head: str, base: integrate_base.Base) -> str:
    checks.refuse_unrelated(session, head, base.commit, base.title)
    if not (new := git.count_beyond(session.repository, base.commit, head)):
        followed = base.remote and not base.upstream
        local = git.resolve_commit(session.repository, f"refs/heads/{base.branch}") if followed else ""
        ahead = integrate_base.unpushed_advice(session.repository, base, base.branch, local) if local else ""
        return "\n".join(filter(None, (f"{session.name} is up to date with {base.title}.", ahead)))
    squashed = _squashed(session, head, base)
    own = git.count_beyond(session.repository, head, base.commit, *squashed)
    why = _why_not_rebase(session, head, base, own, squashed)
    passing = [] if why else checks.passing_paths(session.worktree, head, base.commit)
    checks.refuse_covered(session.worktree, [*checks.changed_paths(session.worktree, head, base.commit, "A"), *passing])
    if why:
        progress.notice(f"{why}, so {base.title} is merged in instead of rebasing.")
        words = (f"--message=Merge {base.title} into {session.branch}",)
        if squashed:
            _join(session, base)
        _attempt(session, base, "merge", "--quiet", *words, "--ff", "--no-autostash", base.commit)
    else:
        onto = ("--onto", base.commit, *squashed) if squashed else (base.commit,)
        _attempt(session, base, "rebase", "--quiet", "--no-autostash", *onto)
        if session.creates_branch:
            registry.note_facts(session.repository, session.name, start=base.commit)
    return _report(session, base, new, own, bool(why))


def _report(session: Session, base: integrate_base.Base, new: int, own: int, merged: bool) -> str:
    into = f"{base.title} at {base.commit[:10]} ({new} new commit{'' if new == 1 else 's'})."
    if merged:
        return f"Merged into {session.name}: {into}"
    step = f"Rebased {git.commits_text(own)} of {session.name} onto" if own else f"Moved {session.name} to"
    return f"{step} {into}"


def _squashed(session: Session, head: str, base: integrate_base.Base) -> list[str]:
    """Return the commit of *head* up to which `session.merge` made one commit of all, if *base* has that; or none."""
    tip, one = session.merged_tip, session.merged_as
    if not (
        tip and one and git.resolve_commit(session.repository, tip) and git.resolve_commit(session.repository, one)
    ):
        return []
    mine = not git.count_beyond(session.repository, tip, head) and git.count_beyond(
        session.repository, tip, base.commit
    )
    return [tip] if mine and not git.count_beyond(session.repository, one, base.commit) else []


def _join(session: Session, base: integrate_base.Base) -> None:
    """Let the branch have the one commit that its own were merged as: git would find conflicts of both."""
    tip, one = session.merged_tip, session.merged_as
    same = not git.read_git(session.worktree, "diff-tree", "-r", "--name-only", tip, one)
    if same and git.count_beyond(session.repository, one, f"refs/heads/{session.branch}"):
        words = (f"--message=Merge what {session.branch} was merged into {base.title} as",)
        _attempt(session, base, "merge", "--quiet", *words, "--no-ff", "--no-autostash", "--strategy=ours", one)


def _why_not_rebase(session: Session, head: str, base: integrate_base.Base, own: int, squashed: Sequence[str]) -> str:
    """Return why the *own* commits stay as they are; empty when they can be rebased."""
    every = git.count_beyond(session.repository, head, base.commit) if squashed else own  # others may have those too
    if pushed := every - git.count_unmerged(session.repository, [head], [base.commit]):
        return f"{git.commits_text(pushed)} {'is' if pushed == 1 else 'are'} already pushed"
    words = ("rev-list", "--min-parents=2", "-1", head, f"^{base.commit}", *(f"^{each}" for each in squashed))
    if git.read_git(session.worktree, *words, "--"):
        return "There are merge commits, and a rebase would lose what was resolved in them"
    return ""


def _attempt(session: Session, base: integrate_base.Base, kind: str, *arguments: str) -> None:
    with interrupted_sync.noted_step(session, kind, base.commit if kind == "rebase" else arguments[-1]):
        _run_step(session, base, kind, *arguments)


def _run_step(session: Session, base: integrate_base.Base, kind: str, *arguments: str) -> None:
    place = session.worktree
    edits = kept_edits.save_edits(session, kept_edits.find_hidden_edits(place))
    before = half_checkout.observe_checkout(place, "HEAD", base.commit)
    try:
        git.settle_git(place, kind, *arguments)
    except CommandError as error:
        if worktree_status.list_git_operations(session):
            raise _stopped(session, base, kind, error) from None
        # A rebase checks out first, and does not undo that when it cannot lock HEAD.
        if kind == "rebase" and "index.lock'" not in error.stderr:
            with suppress(SessionError, OSError):  # what failed first is what counts
                half_checkout.take_back_index(before, "HEAD")
                half_checkout.take_back_checkout(before)
        raise
    finally:
        if edits:  # git resets everything after some failures
            abort.tell_kept(edits, kept_edits.put_back_edits(edits), f"the {kind} ended")


def _stopped(
    session: Session, base: integrate_base.Base, kind: str, error: CommandError
) -> interrupted_sync.StoppedError:
    """Return what a rebase or merge waits for, and how to continue or undo it."""
    enter = f"cd {shlex.quote(str(session.worktree))}"
    undo = f"Undo: inv session.sync {session.name} --abort"
    question = ("-c", "core.quotePath=false", "diff", "--name-only", "--diff-filter=U")
    files = git.read_git(session.worktree, *question).splitlines()
    again, by_signal = f"git {kind} --continue", interrupted_sync.is_by_signal(error.exit_code)
    text = f"{error}\nThe {kind} stopped. Fix that, then continue.\nRun: {enter} && {again}\n{undo}"
    if files:  # else a hook refused, or a commit could not be signed
        text = (
            f"{kind.capitalize()} stopped: {session.branch} conflicts with {base.title} in"
            f" {worktree_status.list_paths(files)}.\nResolve the conflicts, then continue.\n"
            f"Run: {enter} && git add {shlex.join(files)} && {again}\n{undo}"
        )
    return interrupted_sync.StoppedError(text, kind, by_signal)


def abort_sync(session: Session) -> str:
    """Abort the rebase or merge that is in progress in the worktree of *session*."""
    with signals.signals_raised(), registry.session_lock(session.repository, session.name):
        checks.refuse_stale_locks(session)
        kind = worktree_status.name_operation(worktree_status.list_git_operations(session))
        if not kind:
            interrupted_sync.finish_step(session)
        if kind not in ("rebase", "merge"):
            other = f" A {kind} is." if kind else ""
            raise SessionError(f"No rebase or merge is in progress in {session.worktree}.{other}")
        return interrupted_sync.abort_stopped(session, kind)
