"""The base's remote: fetching it, and its default branch."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

from ..errors import CommandError, SessionError
from ..model import Repository
from ..system import locks, shell
from ..system.progress import notice, show_busy, tell
from . import git

_QUICK = ("-c", "gc.auto=0", "-c", "maintenance.auto=false")
_PATIENCE = 20.0  # seconds that the remote may take
_TEMPORARY = re.compile(r"bad object worktrees/|cannot lock ref|\.lock': File exists")


def fetch_base(base: str, repository: Repository) -> None:
    """Fetch the remote of *base*, and say how far the base was behind; being offline is a warning."""
    remote, branch = _tracked(base, _remotes(repository), repository)
    if not remote:
        return
    started, before = time.monotonic(), git.resolve_commit(repository, branch)
    try:
        # Two fetches at once fail on each other's refs.
        with show_busy("fetch", remote), locks.file_lock(repository.private / "fetch.lock"):
            _reach(repository, "fetch", "--quiet", "--no-recurse-submodules", remote)
            if not git.resolve_commit(repository, branch) and not _head(remote, repository):
                _reach(repository, "remote", "set-head", remote, "--auto")
    except SessionError as error:
        text = error.stderr.strip() if isinstance(error, CommandError) else str(error)
        reason = text.splitlines()[0] if text else str(error)
        instead = f"{branch} as it was last fetched" if before else "the local branches"
        notice(f"Couldn't fetch {remote} ({reason}). Using {instead}.")
        return
    _report(base, branch, before, remote, time.monotonic() - started, repository)


def fetch_remotes(bases: Iterable[str], repository: Repository) -> None:
    """Fetch the remote of each of *bases*, once."""
    remotes = _remotes(repository)
    by_remote = {_tracked(base or "HEAD", remotes, repository)[0]: base or "HEAD" for base in bases}
    for remote, base in by_remote.items():
        if remote:
            fetch_base(base, repository)


def _reach(repository: Repository, *arguments: str) -> None:
    """Run git; try again when it only fails because of another git at that moment."""
    environment = {**shell.clean_environment(), "GIT_TERMINAL_PROMPT": "0"}
    for last in (False, False, True):
        try:
            shell.run_bounded(_PATIENCE, "git", "-C", str(repository.main), *_QUICK, *arguments, env=environment)
            break
        except CommandError as error:
            if last or not _TEMPORARY.search(error.stderr):
                raise


def default_base(repository: Repository) -> tuple[str, str]:
    """Return the remote's default branch, or that of the only other remote, and why; HEAD when there is none."""
    remotes = _remotes(repository)
    if not remotes:
        return "HEAD", "there is no remote"
    remote = "origin" if "origin" in remotes else remotes[0]
    if len(remotes) > 1 and remote != "origin":
        return "HEAD", f"none of the remotes {', '.join(remotes)} is called origin"
    head = _head(remote, repository)
    if head and git.resolve_commit(repository, head):
        return head, f"it is the default branch of {remote}"
    return "HEAD", f"{remote} was never fetched"


def _remotes(repository: Repository) -> list[str]:
    return git.read_git(repository.main, "remote").split()


def _head(remote: str, repository: Repository) -> str:
    ref = git.read_git(repository.main, "symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD", check=False)
    return ref.strip().removeprefix("refs/remotes/")


def find_tracked(base: str, repository: Repository) -> tuple[str, str]:
    """Return the remote of *base*, and its branch there; empty for one without."""
    return _tracked(base, _remotes(repository), repository)


def _tracked(base: str, remotes: list[str], repository: Repository) -> tuple[str, str]:
    """Return the remote of *base* and its branch there; for a local branch its upstream."""
    name = base.removeprefix("refs/remotes/")
    if not name.startswith(tuple(f"{remote}/" for remote in remotes)) and not name.startswith("-"):
        words = ("rev-parse", "--symbolic-full-name", f"{base}@{{upstream}}")
        upstream = git.read_git(repository.main, *words, check=False).strip()
        if not upstream.startswith("refs/remotes/"):  # none, or a local branch
            is_of_only_remote = len(remotes) == 1 and "/" in name and not git.resolve_commit(repository, base)
            return (remotes[0], name) if is_of_only_remote else ("", "")
        name = upstream.removeprefix("refs/remotes/")
    remote = max((remote for remote in remotes if name.startswith(f"{remote}/")), key=len, default="")
    return remote, name


def _report(base: str, branch: str, before: str, remote: str, seconds: float, repository: Repository) -> None:
    after, is_remote_branch = git.resolve_commit(repository, branch), branch == base.removeprefix("refs/remotes/")
    since = before if is_remote_branch else git.resolve_commit(repository, base)
    detail = remote
    if after and since:
        count = int(git.read_git(repository.main, "rev-list", "--count", f"{since}..{after}"))
        behind = f"{count} commit{'s' if count != 1 else ''} behind"
        late = f"{branch} was {behind}" if is_remote_branch else f"{base} is {behind} {branch}. Update it: git pull"
        detail = f"{remote}: {late}" if count else f"{remote}: {base} was up to date"
    tell("fetch", f"{detail}  {seconds:.2f} s")
