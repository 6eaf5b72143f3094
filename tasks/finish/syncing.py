"""Bringing a session's branch onto its base: by a rebase, or by a merge once it was pushed or has merges."""

from __future__ import annotations

import shlex

from .. import git, narration, registry, work
from ..archives import keeping
from ..errors import CommandError, SessionError
from ..history import upstream
from ..machine import signals
from ..model import Session
from . import covered, destination, standing


def sync(session: Session) -> str:
    """Put the commits of *session* on top of its base, fetched first, and return what was done.

    Raises `SessionError` on conflicts, which stay in the worktree for the person, with what to do.
    """
    with signals.raised(), registry.alone(session.repository, session.name):
        done = standing.ready(session)
        if done.changed:
            commit = f"cd {shlex.quote(str(session.worktree))} && git commit --all"
            raise SessionError(
                f"session {session.name} has changes that are not committed:\n{work.listed(done)}\n"
                f"commit them: {commit}; or put them aside: git stash"
            )
        upstream.fetch(destination.of(session).name, session.repository)
        return _onto(session, done.head, destination.of(session))


def _onto(session: Session, head: str, base: destination.Base) -> str:
    standing.refuse_unrelated(session, head, base.commit, base.name)
    new = git.beyond(session.repository, base.commit, head)
    if not new:
        local = git.commit(session.repository, f"refs/heads/{base.branch}") if base.remote and not base.upstream else ""
        ahead = destination.unpushed(session.repository, base, base.branch, local) if local else ""
        return f"{session.name} has all of {base.name}; {ahead or 'there is nothing to do'}"
    own = git.beyond(session.repository, head, base.commit)
    why = _kept(session, head, base, own)
    passing = [] if why else covered.passing(session.worktree, head, base.commit)
    covered.refuse(session.worktree, [*covered.changed(session.worktree, head, base.commit, "A"), *passing])
    if why:
        narration.notice(f"{why}: {base.name} is merged in")
        words = ("-m", f"Merge {base.name} into {session.branch}")
        _attempt(session, base, "merge", "--quiet", *words, "--ff", "--no-autostash", base.commit)
    else:
        _attempt(session, base, "rebase", "--quiet", "--no-autostash", base.commit)
        if session.creates_branch:
            registry.note(session.repository, session.name, start=base.commit)
    how = "merged into it" if why else f"below its {own} own" if own else "taken over"
    return f"synced {session.name} with {base.name} at {base.commit[:10]}: {_commits(new)} {how}"


def _kept(session: Session, head: str, base: destination.Base, own: int) -> str:
    """Return why the *own* commits stay as they are; empty when they can be rebased."""
    if pushed := own - git.unmerged(session.repository, [head], [base.commit]):
        return f"pushed already, {pushed} of its commits"
    if git.read(session.worktree, "rev-list", "--min-parents=2", "-1", head, f"^{base.commit}", "--"):
        return "merges are among its commits, and a rebase would lose what was resolved in them"
    return ""


def _commits(count: int) -> str:
    return f"{count} new commit{'s' if count > 1 else ''}"


def _attempt(session: Session, base: destination.Base, kind: str, *arguments: str) -> None:
    try:
        git.settle(session.worktree, kind, *arguments)
    except CommandError as error:
        if not keeping.in_progress(session):
            raise
        enter = f"cd {shlex.quote(str(session.worktree))}"
        give_up = f"or give it up, and all is as before: inv session.sync {session.name} --abort"
        asked = ("-c", "core.quotePath=false", "diff", "--name-only", "--diff-filter=U")
        files = git.read(session.worktree, *asked).splitlines()
        if not files:  # a hook said no, or a commit could not be signed
            again = f"{enter} && git {kind} --continue"
            raise SessionError(f"{error}\nthe {kind} waits for you; once that is mended: {again}\n{give_up}") from None
        listed = "\n".join(f"    conflict: {file}" for file in files)
        raise SessionError(
            f"{session.branch} and {base.name} change the same lines; the {kind} waits for you:\n{listed}\n"
            f"    {enter}\n    edit them, then: git add {shlex.join(files)}\n    git {kind} --continue\n{give_up}"
        ) from None


def abort(session: Session) -> str:
    """Give up the rebase or merge that is going on in the worktree of *session*."""
    with signals.raised(), registry.alone(session.repository, session.name):
        going_on = {entry.name for entry in keeping.in_progress(session)}
        if going_on & {"rebase-merge", "rebase-apply"}:
            kind = "rebase"
        elif "MERGE_HEAD" in going_on:
            kind = "merge"
        else:
            other = f"; what is: {', '.join(sorted(going_on))}" if going_on else ""
            raise SessionError(f"in {session.worktree} no rebase or merge is going on that could be aborted{other}")
        git.settle(session.worktree, kind, "--abort")
        return f"aborted the {kind}; {session.branch} is as it was before"
