"""Merge a session's branch into its base, all of it or nothing, after its checks."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from .. import errors
from ..errors import CommandError, SessionError
from ..model import Repository, Session
from ..resources import worklog
from ..store import registry
from ..system import locks, progress, signals
from ..tools import git, worktree_status, worktrees
from . import base as integrate_base
from . import checks, half_checkout, interrupted_merge, merge_tree


def move_branch(repository: Repository, branch: git.Ref, commit: str, why: str) -> None:
    """Move *branch* from the commit that it was seen at to *commit*, a descendant.

    Where it is checked out git updates the files as well, unless that would overwrite work. Raises `SessionError`
    before any effect when it cannot.
    """
    short = branch.name.removeprefix("refs/heads/")
    if place := _rebased(repository, branch.name):
        raise SessionError(f"{short} is being rebased ({place}). Finish or abort that first.\nRun: git rebase --abort")
    try:
        if not branch.checkout:
            git.settle_git(repository.main, "update-ref", "-m", why, branch.name, commit, branch.commit)
        elif Path(branch.checkout).is_dir():
            with locks.file_lock(repository.private / "landing.lock"):
                _forward(Path(branch.checkout), branch.commit, commit)
        else:
            raise SessionError(
                f"{short} is checked out at {branch.checkout}, which doesn't exist.\nRun: git worktree prune"
            )
    except CommandError as error:
        if (now := git.resolve_commit(repository, branch.name)) == commit:
            return  # what failed came after it
        if now != branch.commit:
            raise SessionError(
                f"{short} moved from {branch.commit[:10]} to {now[:10]} in the meantime, so nothing was merged."
                f"\nRun: inv {why}"
            ) from None
        where = f" in {branch.checkout}, where it is checked out" if branch.checkout else ""
        still = f"Git couldn't move {short}{where}. It is still at {branch.commit[:10]}."
        raise SessionError(f"{still}\n{_reason(error)}") from None


def _reason(error: CommandError) -> str:
    """Return what git printed, and what to do about it."""
    lines = [f"    {line}" for line in error.stderr.strip().splitlines()]
    return "\n".join([*lines, *(errors.list_hints(error.stderr) or ["Fix that, then try again."])])


def _forward(place: Path, old: str, new: str) -> None:
    """Give the clean paths of the checkout *place* what *new* has; git itself leaves half of it on a full disk."""
    checks.refuse_covered(place, checks.changed_paths(place, old, new, "A"))
    git.read_git(place, "update-index", "-q", "--refresh", check=False)
    before = half_checkout.observe_checkout(place, old, new)
    try:
        git.settle_git(place, "merge", "--quiet", "--ff-only", "--no-autostash", new)
    except CommandError as error:
        locked = "index.lock'" in error.stderr  # then what is written there is another git's
        if not locked and git.read_git(place, "rev-parse", "HEAD", check=False).strip() == old:
            _take_back(before, old)
        raise


def _take_back(before: half_checkout.Before, old: str) -> None:
    """Undo what git wrote; a note names what could not be undone, beside the reason why git stopped."""
    look = f"git -C {shlex.quote(str(before.place))} status"
    try:
        half_checkout.take_back_index(before, old)
        for path in half_checkout.take_back_checkout(before):
            progress.notice(f"{path} changed during the merge, so it was left as it is.\nRun: {look}")
    except (SessionError, OSError) as error:
        progress.notice(f"Couldn't undo all that git wrote: {errors.describe_error(error)}\nRun: {look}")


def _rebased(repository: Repository, name: str) -> Path | None:
    """Return git's notes of a rebase of the branch *name*, which will set it when it ends."""
    for data in worktrees.admin_dirs(repository):
        for notes in (data / "rebase-merge", data / "rebase-apply"):
            if git.read_git_file(notes / "head-name") == name:
                return notes
    return None


class NothingToMergeError(SessionError):
    """The target already has all commits."""


class MergeConflictError(SessionError):
    """The merge of a session into the commit *onto* has conflicts in *files*."""

    def __init__(self, message: str, onto: str, files: Sequence[str]) -> None:
        super().__init__(message)
        self.onto, self.files = onto, files


# Has the checks of a session run: takes its commit, and the one that a merge of that comes to.
Verify = Callable[[str, str], None]


class How(NamedTuple):
    """How a session is merged: into a branch other than its base, as one commit, and whether it is removed then."""

    into: str = ""
    squash: bool = False
    removes: bool = False


@dataclass(frozen=True)
class _Merge:
    """The commit *head* on its way into the branch *target*."""

    session: Session
    head: str
    base: integrate_base.Base
    target: git.Ref
    squash: bool
    count: int  # of commits beyond the target

    @property
    def into(self) -> str:
        return self.target.name.removeprefix("refs/heads/")


def merge_session(session: Session, into: str, squash: bool, removes: bool = False) -> str:
    """Verify *session*, merge it into the local branch of its base, or *into*, and return what was done.

    What is left to do follows; whether the caller *removes* the session then decides what that is.

    Raises `SessionError` before any effect when work is not committed, the base moved on or git finds conflicts.
    """
    before = interrupted_merge.finish_landings(session.repository).get(session.name)
    with signals.signals_raised(), registry.session_lock(session.repository, session.name):
        if before and before.tip == git.resolve_commit(session.repository, f"refs/heads/{session.branch}"):
            return f"{session.name} was merged into {before.into} at {before.new[:10]} before the interruption."
        verify = partial(checks.run_verification, session)
        merge, commit = _land_verified(partial(_plan, session, into, squash), verify)
        worklog.refresh_logs(session.repository)
    return _report(merge, commit, removes)


class Landed(NamedTuple):
    """What a merge did, for people: the branch that it went *into*, and the *commit* that this has now."""

    text: str
    into: str
    commit: str


def merge_branch(session: Session, head: str, how: How, verify: Verify) -> Landed:
    """Merge the commit *head* of a *session* whose worktree is on another machine, where *verify* has it checked."""
    repository = session.repository
    before = interrupted_merge.finish_landings(repository).get(session.name)
    with signals.signals_raised(), registry.session_lock(repository, session.name):
        if before and before.tip == head:
            text = f"{session.name} was merged into {before.into} at {before.new[:10]} before the interruption."
            return Landed(text, before.into, before.new)
        plan = partial(_plan_commit, session, head, how.into, how.squash)
        merge, commit = _land_verified(plan, verify)
    return Landed(_report(merge, commit, how.removes), merge.into, commit)


def _land_verified(plan: Callable[[], _Merge], verify: Verify) -> tuple[_Merge, str]:
    """Make the commit of the merge that *plan* returns, have it verified, and bring it to its branch."""
    planned = plan()
    verified = _merge_commit(planned)  # conflicts are reported before a long verification
    verify(planned.head, verified)
    again = plan()
    commit = _merge_commit(again)
    _refuse_unverified(planned, again, merge_tree.read_tree(again.session.repository, verified), commit)
    signals.ignore_signals()
    _land(again, commit)
    return again, commit


def _refuse_unverified(planned: _Merge, again: _Merge, tree: str, commit: str) -> None:
    """Raise `SessionError` when *commit* isn't the result that was verified, the *tree*."""
    session = again.session
    if planned.head != again.head or tree != merge_tree.read_tree(session.repository, commit):
        moved = session.branch if planned.head != again.head else again.into
        raise SessionError(f"{moved} got new commits while it was verified.\nRun: inv session.merge {session.name}")


def require_mergeable(session: Session, into: str, squash: bool) -> None:
    """Raise `SessionError` unless *session* has something to merge that doesn't conflict; it may be behind its base."""
    interrupted_merge.finish_landings(session.repository)
    with signals.signals_raised(), registry.session_lock(session.repository, session.name):
        _merge_commit(_plan(session, into, squash, may_be_behind=True))


def _report(merge: _Merge, commit: str, removes: bool) -> str:
    """Return what was merged, and the next steps."""
    session = merge.session
    how = f"{git.commits_text(merge.count)}{' as one' if merge.squash and merge.count > 1 else ''}"
    lines = [f"Merged {session.name} into {merge.into} at {commit[:10]} ({how})."]
    lines += [integrate_base.unpushed_advice(session.repository, merge.base, merge.into, commit)]
    lines += [integrate_base.published_advice(session)]
    if merge.into == merge.base.branch and not removes:
        lines += [f"Next: inv session.remove {session.name}"]
    return "\n".join(filter(None, lines))


def _land(merge: _Merge, commit: str) -> None:
    """Move the branch to *commit*; note it in the row before and after, so that a killed merge can be finished."""
    session, repository = merge.session, merge.session.repository
    coming = interrupted_merge.Landing(merge.target.name, merge.target.commit, commit, merge.head)
    interrupted_merge.note_landing(repository, session.name, coming)
    try:
        move_branch(repository, merge.target, commit, f"session.merge {session.name}")
    except BaseException:
        interrupted_merge.forget_landing(repository, session.name)
        raise
    interrupted_merge.confirm_landing(repository, session.name, coming)


def _refuse_merged(session: Session, head: str, into: git.Ref) -> None:
    """Raise `SessionError` when the target has *head* as another commit, to which a sync would only be in conflict."""
    row, repository = registry.read_registry(session.repository).get(session.name, {}), session.repository
    commit = str(row.get("merged_as", ""))
    if row.get("merged_tip") != head or not git.resolve_commit(repository, commit):
        return
    if not git.count_beyond(repository, commit, into.commit):
        short = into.name.removeprefix("refs/heads/")
        raise NothingToMergeError(f"Nothing to merge: {session.name} was already merged into {short} as {commit[:10]}.")


def _plan(session: Session, into: str, squash: bool, may_be_behind: bool = False) -> _Merge:
    work = checks.require_ready(session)
    checks.refuse_dirty(session, work)
    return _plan_commit(session, work.head, into, squash, may_be_behind)


def _plan_commit(session: Session, head: str, into: str, squash: bool, may_be_behind: bool = False) -> _Merge:
    base = integrate_base.find_base(session)
    target = integrate_base.find_target(session, base, into)
    merge = _Merge(session, head, base, target, squash, git.count_beyond(session.repository, head, target.commit))
    checks.refuse_unrelated(session, head, target.commit, merge.into)
    if not merge.count:
        raise NothingToMergeError(f"Nothing to merge: {merge.into} has all commits of {session.branch}.")
    _refuse_merged(session, head, target)
    missing = git.count_beyond(session.repository, base.commit, head) if merge.into == base.branch else 0
    if missing and not may_be_behind:
        raise SessionError(
            f"{session.branch} is {git.commits_text(missing)} behind {base.name}.\nRun: inv session.sync {session.name}"
        )
    return merge


def _merge_commit(merge: _Merge) -> str:
    """Return the commit that the target is to have; on no branch yet."""
    repository, onto = merge.session.repository, merge.target.commit
    behind = git.count_beyond(repository, onto, merge.head)
    if not behind and not merge.squash and _setting(merge, "merge.ff") != "false":
        return merge.head
    if merge.squash and merge.into == merge.base.branch:
        onto = _above_the_base(merge)
    tree = _tree(merge, onto) if behind else merge_tree.read_tree(repository, merge.head)
    if merge.squash and tree == merge_tree.read_tree(repository, onto):
        raise NothingToMergeError(f"Nothing to merge: {merge.into} has all changes of {merge.session.branch}.")
    signed = ("-S",) if _setting(merge, "commit.gpgsign") == "true" else ()
    parents = (onto,) if merge.squash else (onto, merge.head)
    words = [word for parent in parents for word in ("-p", parent)]
    return git.read_git(repository.main, "commit-tree", tree, *signed, *words, "-m", _message(merge, onto)).strip()


def _above_the_base(merge: _Merge) -> str:
    """Return the commit that a squash goes onto, so that it holds the session's changes and none of its base's."""
    if not git.count_beyond(merge.session.repository, merge.target.commit, merge.base.commit):
        return merge.base.commit
    if not git.count_beyond(merge.session.repository, merge.base.commit, merge.target.commit):
        return merge.target.commit
    raise SessionError(
        f"{merge.into} and {merge.base.name} have diverged, and a squash would mix in their commits."
        f" Where {merge.into} is checked out, update it first.\nRun: git pull"
    )


def _tree(merge: _Merge, onto: str) -> str:
    """Return the tree of the merge; raises `SessionError` naming the files that git cannot merge."""
    merged = merge_tree.write_merge(merge.session.repository, onto, merge.head)
    if merged.files:
        by_hand = f"cd {shlex.quote(str(merge.session.worktree))} && git merge {merge.into}"
        raise MergeConflictError(
            f"Nothing was merged: {merge.session.branch} conflicts with {merge.into} in"
            f" {worktree_status.list_paths(merged.files)}.\n"
            f"Resolve that in the session and commit it, then merge again.\nRun: {by_hand}",
            onto, merged.files,
        )  # fmt: skip
    return merged.tree


def _setting(merge: _Merge, key: str) -> str:
    words = ("--type=bool",) if key == "commit.gpgsign" else ()
    return git.read_git(merge.session.repository.main, "config", *words, "--get", key, check=False).strip()


def _message(merge: _Merge, onto: str) -> str:
    if not merge.squash:
        return f"Merge branch '{merge.session.branch}'" + (f" into {merge.into}" if merge.into != "main" else "")
    title, body = integrate_base.title_and_body(merge.session, merge.head, onto)
    return f"{title}\n\n{body}".strip()
