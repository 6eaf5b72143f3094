"""Proposing a session's branch: pushed, and a pull request made of it."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass

from .. import git, narration, registry, shell, terminal
from ..errors import CommandError, SessionError
from ..machine import signals
from ..model import Session
from . import destination, forge, messages, standing, verifying

_REJECTED = re.compile(r"\[rejected\]|non-fast-forward|fetch first|stale info")


@dataclass(frozen=True)
class Words:
    """What the pull request is to say; empty for what the commits say."""

    title: str = ""
    body: str = ""
    draft: bool = False


def propose(session: Session, words: Words) -> str:
    """Verify *session*, push its branch, never by force, and return the answer of `gh`, or where to go without it."""
    with signals.raised(), registry.alone(session.repository, session.name):
        done = standing.ready(session)
        standing.refuse_dirty(session, done)
        base = destination.of(session)
        standing.refuse_unrelated(session, done.head, base.commit, base.name)
        if not git.beyond(session.repository, done.head, base.commit):
            raise SessionError(f"there is nothing to propose: {session.branch} has no commits that {base.name} lacks")
        if behind := git.beyond(session.repository, base.commit, done.head):
            more = "1 commit more; to take it" if behind == 1 else f"{behind} commits more; to take them"
            narration.notice(f"{base.name} has {more}: inv session.sync {session.name}")
        remote = _remote(session, base)
        verifying.run(session)
        with narration.step("push", f"{session.branch} to {remote}"):
            _push(session, remote, done.head)
        return _request(session, remote, base, _filled(session, words, done.head, base.commit))


def _remote(session: Session, base: destination.Base) -> str:
    """Return where the branch goes, as git itself would choose; else to where its base is."""
    known = destination.remotes(session.repository)
    if not known:
        raise SessionError("there is no remote to push to; to add one: git remote add origin URL")
    keys = (f"branch.{session.branch}.pushRemote", "remote.pushDefault", f"branch.{session.branch}.remote")
    configured = [git.read(session.repository.main, "config", "--get", key, check=False).strip() for key in keys]
    for remote in (*configured, base.remote, "origin", known[0]):
        if remote in known:
            return remote
    raise AssertionError("the last of them is known")


def _push(session: Session, remote: str, head: str) -> None:
    """Push the commit that was verified; following the remote branch is a fact that a later `git push` needs."""
    branch = f"refs/heads/{session.branch}"
    try:
        git.run(session.worktree, "push", "--quiet", remote, f"{head}:{branch}")
    except CommandError as error:
        if not _REJECTED.search(error.stderr):
            raise
        pull = f"cd {shlex.quote(str(session.worktree))} && git pull --rebase {remote} {session.branch}"
        force = f"git push --force-with-lease {remote} {session.branch}"
        raise SessionError(
            f"{remote} has commits on {session.branch} that are not here, so it takes no push. If they are somebody's:"
            f" {pull}\nIf they are yours from before a rebase, and nobody builds on them: {force}"
        ) from None
    for key, value in (("remote", remote), ("merge", branch)):  # a clone of one branch would refuse to be told
        git.run(session.worktree, "config", f"branch.{session.branch}.{key}", value)


def _filled(session: Session, words: Words, head: str, base: str) -> Words:
    title, body = messages.of(session, head, base)
    return Words(words.title or title, words.body or body, words.draft)


def _request(session: Session, remote: str, base: destination.Base, words: Words) -> str:
    into = base.upstream.removeprefix(f"refs/remotes/{base.remote}/") or base.branch
    url = git.read(session.repository.main, "remote", "get-url", "--push", remote).strip()
    place = forge.of(url)
    if shutil.which("gh") and (place is None or place.kind in ("", "github")):
        draft = ("--draft",) if words.draft else ()
        onto = ("--base", into) if into else ()
        argv = ("gh", "pr", "create", "--head", session.branch, *onto, "--title", words.title, "--body", words.body)
        try:
            return shell.read(*argv, *draft, cwd=session.worktree).strip() or f"proposed {session.branch}"
        except CommandError as error:
            raise SessionError(f"{session.branch} is pushed to {remote}, but {error}") from None
    if place is None:
        return f"pushed {session.branch} to {remote}; {terminal.masked(url)} has no web page that could be named"
    return f"pushed {session.branch} to {remote}; to propose it: {place.compare(into, session.branch)}"
