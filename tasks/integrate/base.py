"""The base of a session, and the branch that its work goes into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..errors import SessionError
from ..model import Repository, Session
from ..tools import git


def title_and_body(session: Session, head: str, base: str) -> tuple[str, str]:
    """Return title and body for the commits of *head* beyond *base*: of a single one its own words."""
    log = git.read_git(session.repository.main, "log", "--reverse", "-z", "--format=%s%n%b", head, "--not", base)
    commits = [text.strip().partition("\n") for text in log.split("\0") if text.strip()]
    if not commits:
        return session.name, ""
    if len(commits) == 1:
        return commits[0][0], commits[0][2].strip()
    return commits[0][0], "\n".join(f"* {subject}" for subject, _, _ in commits)


class Base(NamedTuple):
    """What a session is measured against: as its row calls it, its *commit* now, and the branch that it is."""

    name: str
    commit: str
    branch: str  # without its remote; empty for a tag or a commit
    remote: str  # the remote that brings it up to date; empty without one
    upstream: str  # of a local branch the remote branch that it follows, as git calls it in full
    called: str = ""  # of a commit that another machine sent, the branch that it is there

    @property
    def title(self) -> str:
        """What people call it."""
        return self.called or self.name


def find_base(session: Session) -> Base:
    """Return the base of *session*; raises `SessionError` when it is gone."""
    branches = git.list_branches(session.repository)
    name = session.base or next((ref.name for ref in branches.values() if ref.current), "HEAD")
    name = name.removeprefix("refs/heads/").removeprefix("refs/remotes/")
    if local_ref := branches.get(f"refs/heads/{name}"):
        return Base(name, local_ref.commit, name, *_followed(session.repository, local_ref.name))
    if remote_ref := branches.get(f"refs/remotes/{name}"):
        remote = _remote(session.repository, name)
        return Base(name, remote_ref.commit, name.removeprefix(f"{remote}/"), remote, "")
    commit = git.resolve_commit(session.repository, name)
    if not commit:
        back = _back(session, name)
        raise SessionError(f"The base {name} of session {session.name} no longer exists.{back}")
    return Base(name, commit, "", "", "", session.based)


def _back(session: Session, name: str) -> str:
    """Return what brings the base *name* back; a local branch called like one of a remote would only be in the way."""
    remote, _, branch = name.partition("/")
    if branch and remote in (remotes := list_remotes(session.repository)):
        return f"\nRun: git fetch {remote}"
    if branch and remote == "origin" and not remotes:
        return f"\nRun: git remote add {remote} URL && git fetch {remote}"
    return f"\nRun: git branch {name} {session.start}" if session.start else ""


def unpushed_advice(repository: Repository, base: Base, local: str, commit: str) -> str:
    """Return that the branch *local*, at *commit*, is ahead of the remote branch that it follows, and what to do.

    Without one, the base counts if that is the same branch of a remote. Empty when it is not ahead.
    """
    remote, upstream = _followed(repository, f"refs/heads/{local}")
    if not upstream and base.remote and not base.upstream and base.branch == local:
        remote, upstream = base.remote, f"refs/remotes/{base.name}"
    remote_commit = git.resolve_commit(repository, upstream) if upstream else ""
    count = git.count_beyond(repository, commit, remote_commit) if remote_commit else 0
    if not count:
        return ""
    name = upstream.removeprefix(f"refs/remotes/{remote}/")
    what = local if name == local else f"{local}:{name}"
    return f"{local} is {git.commits_text(count)} ahead of {remote}/{name}.\nNext: git push {remote} {what}"


def published_advice(session: Session) -> str:
    """Return which remotes have the branch of *session*, and how to delete it there; empty when none has it."""
    holders = [
        remote
        for remote in list_remotes(session.repository)
        if git.resolve_commit(session.repository, f"refs/remotes/{remote}/{session.branch}")
    ]
    deletions = [f"Next: git push {remote} --delete {session.branch}" for remote in holders]
    return "\n".join([f"{session.branch} is still on {', '.join(holders)}.", *deletions]) if holders else ""


def _followed(repository: Repository, branch: str) -> tuple[str, str]:
    form = "--format=%(upstream:remotename)%00%(upstream)"
    remote, _, upstream = git.read_git(repository.main, "for-each-ref", form, branch).strip().partition("\0")
    return (remote, upstream) if remote != "." else ("", "")


def list_remotes(repository: Repository) -> list[str]:
    """Return the names of the remotes."""
    return git.read_git(repository.main, "remote").split()


def _remote(repository: Repository, name: str) -> str:
    remotes = [remote for remote in list_remotes(repository) if name.startswith(f"{remote}/")]
    return max(remotes, key=len, default=name.partition("/")[0])


def find_target(session: Session, base: Base, into: str) -> git.Ref:
    """Return the local branch that the work goes into: *into*, else the base or the one that the base is a remote of.

    Raises `SessionError` when there is none.
    """
    branches = git.list_branches(session.repository)
    target = into.removeprefix("refs/heads/") or base.branch
    if not target:
        raise SessionError(
            f"The base {base.name} of session {session.name} is not a branch. Name one.\n"
            f"Run: inv session.merge {session.name} --into BRANCH"
        )
    if target == session.branch:
        raise SessionError(f"{target} is the session's own branch. Give another one: --into BRANCH")
    if branch := branches.get(f"refs/heads/{target}"):
        return branch
    raise SessionError(f"There is no local branch {target}.{_offer(branches, target, base)}")


def _offer(branches: Mapping[str, git.Ref], target: str, base: Base) -> str:
    if target == base.branch:
        return f"\nRun: git branch {target} {base.name}"
    local = [name.removeprefix("refs/heads/") for name in branches if name.startswith("refs/heads/")]
    return f" Local branches: {', '.join(local)}"
