"""What the remote has: fetched before a session begins, and the branch of it that sessions begin at."""

from __future__ import annotations

import re
import time

from .. import git, shell
from ..errors import CommandError, SessionError
from ..machine import limited, locks
from ..model import Repository
from ..narration import busy, notice, told

_QUICK = ("-c", "gc.auto=0", "-c", "maintenance.auto=false")
_PATIENCE = 20.0  # seconds that the remote may take
_MEANWHILE = re.compile(r"bad object worktrees/|cannot lock ref|\.lock': File exists")


def fetch(base: str, repository: Repository) -> None:
    """Fetch the remote that *base* is of, and tell how far the base was behind; to be offline is a warning."""
    remote, branch = _tracked(base, _remotes(repository), repository)
    if not remote:
        return
    started, before = time.monotonic(), git.commit(repository, branch)
    try:
        # Two at once fail on each other's refs.
        with busy("fetch", remote), locks.held(repository.private / "fetch.lock"):
            _reach(repository, "fetch", "--quiet", "--no-recurse-submodules", remote)
            if not git.commit(repository, branch) and not _head(remote, repository):
                _reach(repository, "remote", "set-head", remote, "--auto")
    except SessionError as error:
        said = error.stderr.strip() if isinstance(error, CommandError) else str(error)
        reason = said.splitlines()[0] if said else str(error)
        known = f"going on from {branch} as it was fetched last" if before else "going on with what is here"
        notice(f"{remote} could not be fetched ({reason}); {known}")
        return
    _tell(base, branch, before, remote, time.monotonic() - started, repository)


def _reach(repository: Repository, *arguments: str) -> None:
    """Run git; what fails only because of another git at that moment is done again."""
    environment = {**shell.environment(), "GIT_TERMINAL_PROMPT": "0"}
    for last in (False, False, True):
        try:
            limited.bounded(_PATIENCE, "git", "-C", str(repository.main), *_QUICK, *arguments, env=environment)
            break
        except CommandError as error:
            if last or not _MEANWHILE.search(error.stderr):
                raise


def default(repository: Repository) -> tuple[str, str]:
    """Return the remote's default branch, or that of the only other remote, and why; HEAD when there is none."""
    remotes = _remotes(repository)
    if not remotes:
        return "HEAD", "there is no remote"
    remote = "origin" if "origin" in remotes else remotes[0]
    if len(remotes) > 1 and remote != "origin":
        return "HEAD", f"none of the remotes {', '.join(remotes)} is origin"
    head = _head(remote, repository)
    if head and git.commit(repository, head):
        return head, f"it is the default branch of {remote}"
    return "HEAD", f"nothing of {remote} is known here"


def _remotes(repository: Repository) -> list[str]:
    return git.read(repository.main, "remote").split()


def _head(remote: str, repository: Repository) -> str:
    said = git.read(repository.main, "symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD", check=False)
    return said.strip().removeprefix("refs/remotes/")


def _tracked(base: str, remotes: list[str], repository: Repository) -> tuple[str, str]:
    """Return the remote of *base* and its branch there: of a local branch the one that it follows."""
    name = base.removeprefix("refs/remotes/")
    if not name.startswith(tuple(f"{remote}/" for remote in remotes)) and not name.startswith("-"):
        question = ("rev-parse", "--symbolic-full-name", f"{base}@{{upstream}}")
        followed = git.read(repository.main, *question, check=False).strip()
        if not followed.startswith("refs/remotes/"):  # none, or a local branch
            only = len(remotes) == 1 and "/" in name and not git.commit(repository, base)
            return (remotes[0], name) if only else ("", "")
        name = followed.removeprefix("refs/remotes/")
    remote = max((remote for remote in remotes if name.startswith(f"{remote}/")), key=len, default="")
    return remote, name


def _tell(base: str, branch: str, before: str, remote: str, seconds: float, repository: Repository) -> None:
    after, itself = git.commit(repository, branch), branch == base.removeprefix("refs/remotes/")
    since = before if itself else git.commit(repository, base)
    detail = remote
    if after and since:
        count = int(git.read(repository.main, "rev-list", "--count", f"{since}..{after}"))
        behind = f"{count} commit{'s' if count != 1 else ''} behind"
        late = f"{branch} was {behind}" if itself else f"{base} is {behind} {branch}; to update it: git pull"
        detail = f"{remote}: {late}" if count else f"{remote}: {base} was up to date"
    told("fetch", f"{detail}  {seconds:.2f} s")
