"""Merging a session's branch, as objects first: the branch that it goes into moves when the merge is complete."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime

from .. import git, registry, worklog
from ..errors import CommandError, SessionError
from ..machine import signals
from ..model import Session
from . import destination, landing, messages, standing, verifying

_USAGE = 129  # how git ends that does not know a flag


@dataclass(frozen=True)
class _Merge:
    """The commit *head* on its way into the branch *target*."""

    session: Session
    head: str
    base: destination.Base
    target: git.Ref
    squash: bool
    count: int  # of commits that the target lacks

    @property
    def into(self) -> str:
        return self.target.name.removeprefix("refs/heads/")


def merge(session: Session, into: str, squash: bool) -> str:
    """Verify *session*, merge it into the local branch of its base, or *into*, and return what was done.

    Raises `SessionError` before any effect when work is not committed, the base moved on or git finds conflicts.
    """
    with signals.raised(), registry.alone(session.repository, session.name):
        planned = _plan(session, into, squash)
        _merged(planned)  # conflicts are told before a long verification
        verifying.run(session)
        again = _plan(session, into, squash)
        if again.head != planned.head:
            raise SessionError(f"{session.branch} got new commits during the verification; try again")
        commit = _merged(again)
        signals.ignore()
        landing.move(session.repository, again.target, commit, f"session.merge {session.name}")
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        facts = {"merged": now, "merged_tip": again.head, "merged_into": again.into, "merged_as": commit}
        registry.note(session.repository, session.name, **facts)
        worklog.refresh(session.repository)
    how = f"{again.count} commit{'s' if again.count > 1 else ''}{' as one' if squash and again.count > 1 else ''}"
    done = f"merged {session.name} into {again.into} at {commit[:10]}: {how}"
    return "\n".join(filter(None, (done, destination.unpushed(session.repository, again.base, again.into, commit))))


def _plan(session: Session, into: str, squash: bool) -> _Merge:
    done = standing.ready(session)
    standing.refuse_dirty(session, done)
    base = destination.of(session)
    target = destination.target(session, base, into)
    found = _Merge(session, done.head, base, target, squash, git.beyond(session.repository, done.head, target.commit))
    standing.refuse_unrelated(session, done.head, target.commit, found.into)
    if not found.count:
        raise SessionError(f"there is nothing to merge: {found.into} has all commits of {session.branch}")
    missing = git.beyond(session.repository, base.commit, done.head) if found.into == base.branch else 0
    if missing:
        raise SessionError(
            f"{base.name} has {missing} commit{'s' if missing > 1 else ''} that {session.branch} lacks; to put the"
            f" session's on top of them: inv session.sync {session.name}"
        )
    return found


def _merged(asked: _Merge) -> str:
    """Return the commit that the target is to have; on no branch yet."""
    repository, onto = asked.session.repository, asked.target.commit
    behind = git.beyond(repository, onto, asked.head)
    if not behind and not asked.squash and _setting(asked, "merge.ff") != "false":
        return asked.head
    if asked.squash and asked.into == asked.base.branch:
        onto = _above_the_base(asked)
    tree = _tree(asked, onto) if behind else git.read(repository.main, "rev-parse", f"{asked.head}^{{tree}}").strip()
    if asked.squash and tree == git.read(repository.main, "rev-parse", f"{onto}^{{tree}}").strip():
        raise SessionError(f"there is nothing to merge: {asked.into} has all that {asked.session.branch} changes")
    signed = ("-S",) if _setting(asked, "commit.gpgsign") == "true" else ()
    parents = (onto,) if asked.squash else (onto, asked.head)
    words = [word for parent in parents for word in ("-p", parent)]
    return git.read(repository.main, "commit-tree", tree, *signed, *words, "-m", _message(asked, onto)).strip()


def _above_the_base(asked: _Merge) -> str:
    """Return the commit that a squash goes onto, so that it holds the session's changes and none of its base's."""
    if not git.beyond(asked.session.repository, asked.target.commit, asked.base.commit):
        return asked.base.commit
    if not git.beyond(asked.session.repository, asked.base.commit, asked.target.commit):
        return asked.target.commit
    raise SessionError(
        f"{asked.into} and {asked.base.name} both have commits that the other lacks, and a squash would mix them in;"
        f" bring {asked.into} up to date first: git pull, where it is checked out"
    )


def _tree(asked: _Merge, onto: str) -> str:
    """Return the tree of the merge; raises `SessionError` naming the files that git cannot merge."""
    main = asked.session.repository.main
    words = ("merge-tree", "--write-tree", "--name-only", "--no-messages", onto, asked.head)
    tree, *files = git.read(main, "-c", "core.quotePath=false", *words, check=False).splitlines() or [""]
    if not tree:
        try:
            git.read(main, *words)
        except CommandError as error:
            if error.exit_code != _USAGE:
                raise
        version = git.read(main, "version").strip()
        raise SessionError(f"{version} is too old; merging beside the worktrees needs git 2.39 or newer")
    if files:
        listed = "\n".join(f"    conflict: {file}" for file in files)
        by_hand = f"cd {shlex.quote(str(asked.session.worktree))} && git merge {asked.into}"
        raise SessionError(
            f"{asked.session.branch} and {asked.into} change the same lines; nothing was merged:\n{listed}\n"
            f"resolve them in the session, then try again: {by_hand}"
        )
    return tree


def _setting(asked: _Merge, key: str) -> str:
    words = ("--type=bool",) if key == "commit.gpgsign" else ()
    return git.read(asked.session.repository.main, "config", *words, "--get", key, check=False).strip()


def _message(asked: _Merge, onto: str) -> str:
    if not asked.squash:
        return f"Merge branch '{asked.session.branch}'" + (f" into {asked.into}" if asked.into != "main" else "")
    title, body = messages.of(asked.session, asked.head, onto)
    return f"{title}\n\n{body}".strip()
