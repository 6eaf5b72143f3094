"""Where a session's work goes: its base, the remote that it comes from, the local branch that it merges into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import git
from ..errors import SessionError
from ..model import Repository, Session


@dataclass(frozen=True)
class Base:
    """What a session is measured against: as its row calls it, its *commit* now, and the branch that it is."""

    name: str
    commit: str
    branch: str  # without its remote; empty for a tag or a commit
    remote: str  # the remote that brings it up to date; empty without one
    upstream: str  # of a local branch the remote branch that it follows, as git calls it in full


def of(session: Session) -> Base:
    """Return the base of *session*; raises `SessionError` when it is gone."""
    known = git.branches(session.repository)
    name = session.base or next((ref.name for ref in known.values() if ref.current), "HEAD")
    name = name.removeprefix("refs/heads/").removeprefix("refs/remotes/")
    if here := known.get(f"refs/heads/{name}"):
        return Base(name, here.commit, name, *_followed(session.repository, here.name))
    if there := known.get(f"refs/remotes/{name}"):
        remote = _remote(session.repository, name)
        return Base(name, there.commit, name.removeprefix(f"{remote}/"), remote, "")
    commit = git.commit(session.repository, name)
    if not commit:
        back = _back(session, name)
        raise SessionError(f"the base {name!r} of session {session.name} names no commit any more{back}")
    return Base(name, commit, "", "", "")


def _back(session: Session, name: str) -> str:
    """Return what brings the base *name* back; a local branch called like one of a remote would only be in the way."""
    remote, _, branch = name.partition("/")
    if branch and remote in (known := remotes(session.repository)):
        return f"; to have it again: git fetch {remote}"
    if branch and remote == "origin" and not known:
        return f"; to have it again: git remote add {remote} URL && git fetch {remote}"
    return f"; to bring it back as it was: git branch {name} {session.start}" if session.start else ""


def unpushed(repository: Repository, base: Base, local: str, commit: str) -> str:
    """Return that the branch *local*, at *commit*, is ahead of the remote branch that it follows, and what to do.

    Without one, the base counts if that is the same branch of a remote. Empty when it is not ahead.
    """
    remote, upstream = _followed(repository, f"refs/heads/{local}")
    if not upstream and base.remote and not base.upstream and base.branch == local:
        remote, upstream = base.remote, f"refs/remotes/{base.name}"
    there = git.commit(repository, upstream) if upstream else ""
    count = git.beyond(repository, commit, there) if there else 0
    if not count:
        return ""
    name = upstream.removeprefix(f"refs/remotes/{remote}/")
    what = local if name == local else f"{local}:{name}"
    ahead = f"{local} is {count} commit{'s' if count > 1 else ''} ahead of {remote}/{name}"
    return f"{ahead}; to share that: git push {remote} {what}"


def _followed(repository: Repository, branch: str) -> tuple[str, str]:
    form = "--format=%(upstream:remotename)%00%(upstream)"
    remote, _, upstream = git.read(repository.main, "for-each-ref", form, branch).strip().partition("\0")
    return (remote, upstream) if remote != "." else ("", "")


def remotes(repository: Repository) -> list[str]:
    """Return the names of the remotes."""
    return git.read(repository.main, "remote").split()


def _remote(repository: Repository, name: str) -> str:
    found = [remote for remote in remotes(repository) if name.startswith(f"{remote}/")]
    return max(found, key=len, default=name.partition("/")[0])


def target(session: Session, base: Base, into: str) -> git.Ref:
    """Return the local branch that the work goes into: *into*, else the base or the one that the base is a remote of.

    Raises `SessionError` when there is none.
    """
    known = git.branches(session.repository)
    wanted = into.removeprefix("refs/heads/") or base.branch
    if not wanted:
        raise SessionError(
            f"the base {base.name} of session {session.name} is no branch; to name one: "
            f"inv session.merge {session.name} --into BRANCH"
        )
    if wanted == session.branch:
        raise SessionError(f"{wanted} is the session's own branch; expected another one: --into BRANCH")
    if found := known.get(f"refs/heads/{wanted}"):
        return found
    raise SessionError(f"there is no local branch {wanted}; {_offer(known, wanted, base)}")


def _offer(known: Mapping[str, git.Ref], wanted: str, base: Base) -> str:
    if wanted == base.branch:
        return f"to make it: git branch {wanted} {base.name}"
    local = [name.removeprefix("refs/heads/") for name in known if name.startswith("refs/heads/")]
    return f"known: {', '.join(local)}"
