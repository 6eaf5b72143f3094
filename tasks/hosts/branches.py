"""Branches between here and a host: brought forward, never back over commits that nobody here has seen."""

from __future__ import annotations

from .. import git, shell
from ..errors import CommandError, SessionError
from ..model import Repository
from . import openssh, relaying
from .machine import Host

_INCOMING = "refs/tally/incoming"


def transfer(repository: Repository, host: Host, *arguments: str) -> None:
    """Run `git push` or `git fetch` between here and *host*; raises `SessionError` when it fails."""
    command, *refspecs = arguments
    where = ("git", "-C", str(repository.main), command, "--quiet", "--no-verify" if command == "push" else "--no-tags")
    try:
        shell.run(*where, openssh.url(host), *refspecs, env=openssh.git_environment(host))
    except CommandError as error:
        lost = "Could not read from remote repository" in error.stderr
        raise openssh.failure(host, 255 if lost else error.exit_code, _essence(error.stderr)) from None


def _essence(stderr: str) -> str:
    ours = ("fatal: Could not read from remote", "Please make sure", "and the repository exists", "error: failed to pu")
    return "\n".join(line for line in stderr.splitlines() if line.strip() and not line.startswith(ours))


def send(repository: Repository, host: Host, branch: str, commit: str) -> dict[str, str]:
    """Bring *branch* on *host*, with its worktree, to *commit*; return the state and how many commits differ."""
    incoming = f"{_INCOMING}/{branch}"
    transfer(repository, host, "push", f"+{commit}:{incoming}")
    found: dict[str, str] = relaying.call(host, "checkout", "forward", branch, commit, incoming)
    return found


def push(repository: Repository, host: Host, branch: str, name: str) -> str:
    """Bring the session's *branch* on *host* to where it is here, and return what was done.

    Raises `SessionError` when that would lose commits there.
    """
    commit = git.commit(repository, f"refs/heads/{branch}")
    if not commit:
        raise SessionError(f"there is no branch {branch} here; to bring it: inv fleet.pull {name}")
    found = send(repository, host, branch, commit)
    if found["state"] in ("ahead", "diverged"):
        raise SessionError(
            f"{branch} on {host.name} has {found['count']} commits that are not here; first: inv fleet.pull {name}"
            + (f", or merge them: git fetch {openssh.url(host)} {branch}" if found["state"] == "diverged" else "")
        )
    same = found["state"] == "same"
    return f"{branch} on {host.name} {'has' if same else 'is at'} {commit[:12]}{' already' if same else ''}"


def pull(repository: Repository, here: Host, host: Host, branch: str) -> str:
    """Bring *branch* here to where it is on *host*, and return what was done.

    Raises `SessionError` when that would lose commits here.
    """
    incoming = f"{_INCOMING}/{branch}"
    transfer(repository, host, "fetch", f"+refs/heads/{branch}:{incoming}")
    commit = git.commit(repository, incoming)
    found = relaying.call(here, "checkout", "forward", branch, commit, incoming)
    if found["state"] == "diverged":
        raise SessionError(
            f"{branch} here has {found['count']} commits that {host.name} lacks, and {host.name} others; merge them:"
            f" git fetch {openssh.url(host)} {branch}"
        )
    if found["state"] == "ahead":
        return f"{branch} here has {found['count']} commits that {host.name} lacks; nothing to bring"
    return f"{branch} here {'has' if found['state'] == 'same' else 'is at'} {commit[:12]}"


def send_base(repository: Repository, host: Host, base: str) -> str:
    """Make *base* known on *host* and return what names it there.

    Raises `SessionError` when a branch of that name went another way there.
    """
    commit = git.commit(repository, base)
    if not commit:
        raise SessionError(f"the base {base!r} names no commit; to see what there is: git branch --all")
    full = git.read(repository.main, "rev-parse", "--symbolic-full-name", base, check=False).strip()
    if full.startswith("refs/heads/"):
        branch = full.removeprefix("refs/heads/")
        found = send(repository, host, branch, commit)
        if found["state"] == "diverged":
            raise SessionError(
                f"{branch} on {host.name} has {found['count']} commits that are not here, and here are others;"
                f" merge them: git pull {openssh.url(host)} {branch}"
            )
        return branch
    if full.startswith("refs/remotes/"):
        transfer(repository, host, "push", f"+{commit}:{full}")
        return full.removeprefix("refs/remotes/")
    transfer(repository, host, "push", f"+{commit}:refs/tally/base/{commit}")
    return commit
