"""A sync by merge that was killed before git noted the merge: its session's row says what it was about to write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from ..errors import CommandError, SessionError
from ..model import Problem, Session
from ..store import registry
from ..tools import git, worktree_status
from . import half_checkout

_KEY = "syncing"
_BY_SIGNAL = 129  # exit codes above that are a shell's for a signal; that one is git's for a wrong command line
_ID = re.compile(r"[0-9a-f]{40,64}")


@contextmanager
def noted_merge(session: Session, commit: str) -> Iterator[None]:
    """Note that *commit* is about to be merged into what *session* has checked out, until git has ended by itself."""
    note = f"{_head(session)} {_merged_tree(session, commit)}"
    registry.note_facts(session.repository, session.name, **{_KEY: note})
    try:
        yield
    except SessionError as error:
        if not (isinstance(error, CommandError) and _is_by_signal(error.exit_code)):
            _forget(session)  # what git waits for now, it says itself
        raise
    _forget(session)


def _is_by_signal(exit_code: int) -> bool:
    return exit_code < 0 or exit_code > _BY_SIGNAL


def _forget(session: Session) -> None:
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


def finish_merge(session: Session) -> None:
    """Take back what a killed git wrote of a merge that it hadn't noted yet; the caller has the session's lock."""
    if (noted := _noted(session)) is None:
        return
    head, tree = noted
    place = session.worktree
    if git.own_admin_dir(session.repository, place) is None:
        return
    if not worktree_status.list_git_operations(session) and _head(session) == head and _has(session, tree):
        if unmerged := {*git.read_git(place, "diff", "--name-only", "--diff-filter=U", "-z").split("\0")} - {""}:
            words = ("reset", "--quiet", head, "--pathspec-from-file=-", "--pathspec-file-nul")
            git.settle_git(place, "--literal-pathspecs", *words, given="\0".join(sorted(unmerged)))
        half_checkout.take_back_killed_checkout(place, head, tree)
    _forget(session)


def _head(session: Session) -> str:
    return git.read_git(session.worktree, "rev-parse", "HEAD", check=False).strip()


def _has(session: Session, tree: str) -> bool:
    return git.read_git(session.worktree, "cat-file", "-t", tree, check=False).strip() in ("commit", "tree")


def _noted(session: Session) -> tuple[str, str] | None:
    words = str(registry.read_registry(session.repository).get(session.name, {}).get(_KEY, "")).split(" ")
    return (words[0], words[1]) if len(words) == 2 else None


def sync_problems(sessions: Sequence[Session]) -> Iterator[tuple[str, Problem]]:
    """Yield the sessions whose sync was killed before git noted it."""
    for session in sessions:
        if _noted(session) is not None and not registry.is_busy(session.repository, session.name):
            why = "files of its base may be among the uncommitted changes"
            yield session.name, Problem("session.sync was interrupted", why, "inv session.doctor --fix")


def finish_merges(sessions: Sequence[Session]) -> None:
    """Do the same for all *sessions* that no command is working on."""
    for session in sessions:
        with ExitStack() as until:
            if _noted(session) is not None and registry.try_session_lock(session.repository, session.name, until):
                finish_merge(session)
