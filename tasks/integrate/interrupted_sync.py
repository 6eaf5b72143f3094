"""A sync that was killed: its session's row says what git was about to do, and the next command takes that back."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from ..errors import CommandError, SessionError
from ..model import Problem, Session
from ..store import registry
from ..system import processes, progress
from ..tools import git, worktree_status
from . import abort, half_checkout, half_rebase, kept_edits

_KEY = "syncing"
_BY_SIGNAL = 129  # exit codes above that are a shell's for a signal; that one is git's for a wrong command line
_ID = re.compile(r"[0-9a-f]{40,64}")
_OWN_ENTRIES = re.compile(r"rebase \((start|pick|finish)\)")  # of a reflog; what a person does has other words
_THEIR_MESSAGE = re.compile(r"Merge (remote-tracking )?(branch|commit|tag)")  # git's own; a sync has another


class StoppedError(SessionError):
    """Git stopped, and waits for somebody; *by_signal* because it was ended itself."""

    def __init__(self, message: str, kind: str, by_signal: bool) -> None:
        super().__init__(message)
        self.kind, self.by_signal = kind, by_signal


class _Step(NamedTuple):
    """A "rebase" or "merge" of what is checked out, the commit *head*; *tree* is what a merge writes."""

    kind: str
    head: str
    commit: str
    tree: str
    aborts: str = ""  # "aborts" once it is being aborted


@contextmanager
def noted_step(session: Session, kind: str, commit: str) -> Iterator[None]:
    """Note that git is about to bring *commit* into what *session* has checked out, until git has ended by itself.

    Where git stops, the note stays: it is for the caller to end, by `forget_step` or `abort_stopped`.
    """
    tree = _merged_tree(session, commit) if kind == "merge" else commit
    _note(session, _Step(kind, _head(session), commit, tree))
    try:
        yield
    except StoppedError:
        raise
    except SessionError as error:
        if not (isinstance(error, CommandError) and is_by_signal(error.exit_code)):
            forget_step(session)
        raise
    forget_step(session)


def is_by_signal(exit_code: int) -> bool:
    """Return whether a program that ended with *exit_code* was ended by a signal."""
    return exit_code < 0 or exit_code > _BY_SIGNAL


def _note(session: Session, step: _Step) -> None:
    registry.note_facts(session.repository, session.name, **{_KEY: " ".join(step).strip()})


def forget_step(session: Session) -> None:
    """Note that nothing is being done any more."""
    registry.note_facts(session.repository, session.name, **{_KEY: ""})


def _merged_tree(session: Session, commit: str) -> str:
    """Return the tree that a merge of *commit* writes, with the conflicts as git marks them.

    Of a git older than 2.38 it is *commit*: then what only the base changed is recognised.
    """
    try:
        output = git.read_git(session.worktree, "merge-tree", "--write-tree", "HEAD", commit, check=False)
    except SessionError:  # it takes too long
        output = ""
    tree = output.partition("\n")[0]
    return tree if _ID.fullmatch(tree) else commit


def abort_stopped(session: Session, kind: str) -> str:
    """Abort the step at which git stopped, and return what was done; killed, it is repeated by the next command."""
    if step := _noted(session):
        _note(session, step._replace(aborts="aborts"))
    said = abort.abort_step(session, kind)
    forget_step(session)
    return said


def is_noted(session: Session) -> bool:
    """Return whether a sync of *session* was begun and is not known to have ended."""
    return _noted(session) is not None


def finish_step(session: Session) -> None:
    """Take back what a killed sync of *session* left; the caller has the session's lock.

    What a person began, or works on, stays, and so does what is still running.
    """
    if (step := _noted(session)) is None or git.own_admin_dir(session.repository, session.worktree) is None:
        return
    kind = worktree_status.name_operation(worktree_status.list_git_operations(session))
    if processes.is_git_at_work(session.worktree, step.kind):
        if not kind:
            look = f"git -C {shlex.quote(str(session.worktree))} status"
            raise SessionError(f"A git {step.kind} is running in {session.worktree}. Wait for its end.\nRun: {look}")
        return
    if not kind and step.kind == "merge":
        _take_back_files(session, step)
    elif kind == step.kind and _is_own(session, step) and (step.aborts or not _is_edited(session, step)):
        abort_stopped(session, kind)
        progress.notice(f"Aborted a {kind} in {session.name} that was interrupted.")
    forget_step(session)


def _take_back_files(session: Session, step: _Step) -> None:
    """Take back what git wrote of a merge that it hadn't noted yet."""
    place = session.worktree
    if _head(session) != step.head or not _has(session, step.tree):
        return
    if unmerged := {*git.read_git(place, "diff", "--name-only", "--diff-filter=U", "-z").split("\0")} - {""}:
        words = ("reset", "--quiet", step.head, "--pathspec-from-file=-", "--pathspec-file-nul")
        git.settle_git(place, "--literal-pathspecs", *words, given="\0".join(sorted(unmerged)))
    half_checkout.take_back_killed_checkout(place, step.head, step.tree)


def _is_own(session: Session, step: _Step) -> bool:
    """Return whether what is in progress is the *step*, and nobody but git went on with it."""
    data = git.find_admin_dir(session.worktree) or session.worktree
    if step.kind == "merge":
        message = git.read_git_file(data / "MERGE_MSG")
        same = git.read_git_file(data / "MERGE_HEAD") == step.commit and _head(session) == step.head
        return same and not _THEIR_MESSAGE.match(message)
    rebase = half_rebase.read_rebase(session.worktree)
    wanted = (f"refs/heads/{session.branch}", step.head, step.commit)
    if rebase is None or any(have not in ("", want) for have, want in zip(rebase, wanted, strict=True)):
        return False
    return half_rebase.is_on_branch(session.worktree) or _is_in_reflog(session, step)


def _is_in_reflog(session: Session, step: _Step) -> bool:
    """Return whether HEAD left the branch by this *step*: a person would not give git the whole id of the base."""
    for entry in git.read_git(session.worktree, "reflog", "show", "--format=%gs", "HEAD").splitlines():
        if entry.startswith("rebase (start)"):
            return entry.endswith(step.commit)
        if not _OWN_ENTRIES.match(entry):
            return False
    return True  # there is no reflog


def _is_edited(session: Session, step: _Step) -> bool:
    """Return whether somebody edited files since git stopped at conflicts; a git that was killed did not stop."""
    place = session.worktree
    data = git.find_admin_dir(place) or place
    stopped = (data / "rebase-merge" / "stopped-sha").exists() or "Conflicts:" in git.read_git_file(data / "MERGE_MSG")
    if not stopped:
        return False
    unmerged = git.read_git(place, "ls-files", "--unmerged")
    return not unmerged or bool(kept_edits.find_edits_since(place, kept_edits.find_stop(place), step.head))


def _head(session: Session) -> str:
    return git.read_git(session.worktree, "rev-parse", "HEAD", check=False).strip()


def _has(session: Session, tree: str) -> bool:
    return git.read_git(session.worktree, "cat-file", "-t", tree, check=False).strip() in ("commit", "tree")


def _noted(session: Session) -> _Step | None:
    words = str(registry.read_registry(session.repository).get(session.name, {}).get(_KEY, "")).split(" ")
    return _Step(*words) if len(words) in (4, 5) else None


def sync_problems(sessions: Sequence[Session]) -> Iterator[tuple[str, Problem]]:
    """Yield the sessions whose sync was killed."""
    for session in sessions:
        if is_noted(session) and not registry.is_busy(session.repository, session.name):
            why = "files of its base may be among the uncommitted changes, or a rebase in progress"
            yield session.name, Problem("session.sync was interrupted", why, "inv session.doctor --fix")


def finish_steps(sessions: Sequence[Session]) -> None:
    """Do the same for all *sessions* that no command is working on."""
    for session in sessions:
        with ExitStack() as until:
            if is_noted(session) and registry.try_session_lock(session.repository, session.name, until):
                finish_step(session)
