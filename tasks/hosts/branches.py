"""Push and pull branches between here and a host: fast-forward only, so no commits are lost."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import CommandError, SessionError
from ..model import Repository
from ..system import shape, shell
from ..tools import git, merged
from . import reach, ssh
from .host import Host

_STATE = shape.fields_form({"state": shape.choice_form("same", "forwarded")})
_DISTANCE = shape.fields_form({"state": shape.choice_form("ahead", "diverged"), "count": shape.TEXT})
_FORWARDED = shape.either_form(_STATE, _DISTANCE)  # how a branch was brought forward, or by how many commits not
_TRANSFER = 3600.0  # seconds for all commits of a repository
_INCOMING = "refs/tally/incoming"


def transfer_refs(repository: Repository, host: Host, *arguments: str) -> None:
    """Run `git push` or `git fetch` between here and *host*; raises `SessionError` when it fails."""
    command, *refspecs = arguments
    where = ("git", "-C", str(repository.main), command, "--quiet", "--no-verify" if command == "push" else "--no-tags")
    try:
        shell.run_bounded(_TRANSFER, *where, reach.git_url(host), *refspecs, env=reach.git_environment(host))
    except CommandError as error:
        lost = "Could not read from remote repository" in error.stderr
        raise ssh.ssh_failure(host, 255 if lost else error.exit_code, _essence(error.stderr)) from None


def _essence(stderr: str) -> str:
    ours = ("fatal: Could not read from remote", "Please make sure", "and the repository exists", "error: failed to pu")
    return "\n".join(line for line in stderr.splitlines() if line.strip() and not line.startswith(ours))


def send_branch(repository: Repository, host: Host, branch: str, commit: str) -> dict[str, str]:
    """Bring *branch* on *host*, with its worktree, to *commit*; return the state and how many commits differ."""
    incoming = f"{_INCOMING}/{branch}"
    transfer_refs(repository, host, "push", f"+{commit}:{incoming}")
    answer: dict[str, str] = ssh.call_program(host, "checkout", "forward", branch, commit, incoming, form=_FORWARDED)
    return answer


class Brought(NamedTuple):
    """Where a branch is after a push or pull, how it got there, and that for people."""

    branch: str
    commit: str
    state: str  # forwarded, or it was the same, or ahead
    message: str

    def record(self, name: str, host: Host) -> dict[str, str]:
        """Return it as `--json` shows it."""
        return {"name": name, "host": host.name, **self._asdict()}


def push_branch(repository: Repository, host: Host, branch: str, name: str) -> Brought:
    """Bring the session's *branch* on *host* to where it is here.

    Raises `SessionError` when that would lose commits there.
    """
    commit = git.resolve_commit(repository, f"refs/heads/{branch}")
    if not commit:
        raise SessionError(f"No branch {branch} in this clone.\nRun: inv fleet.pull {name}")
    answer = send_branch(repository, host, branch, commit)
    if answer["state"] in ("ahead", "diverged"):
        raise SessionError(
            f"{branch} on {host.name} has {git.commits_text(answer['count'])} that you don't have.\n"
            f"Run: inv fleet.pull {name}"
            + (f"\nOr merge them: git fetch {reach.git_url(host)} {branch}" if answer["state"] == "diverged" else "")
        )
    when = "already" if answer["state"] == "same" else "now"
    return Brought(branch, commit, answer["state"], f"{branch} on {host.name} is {when} at {commit[:12]}.")


def pull_branch(repository: Repository, place: Host, host: Host, branch: str, name: str) -> Brought:
    """Bring *branch* here, which is *place*, to where it is on *host*.

    Raises `SessionError` when that would lose commits here.
    """
    incoming = f"{_INCOMING}/{branch}"
    transfer_refs(repository, host, "fetch", f"+refs/heads/{branch}:{incoming}")
    commit = git.resolve_commit(repository, incoming)
    answer = ssh.call_program(place, "checkout", "forward", branch, commit, incoming, form=_FORWARDED)
    state = answer["state"]
    if state == "diverged" and _is_rebased(repository, branch, commit):
        state = "forwarded"
    if state == "diverged":
        raise SessionError(
            f"{branch} here and on {host.name} have diverged: {git.commits_text(answer['count'])} only here. Merge.\n"
            f"Run: git fetch {reach.git_url(host)} {branch}"
        )
    if state == "ahead":
        text = f"Nothing to pull: {branch} here is {git.commits_text(answer['count'])} ahead of {host.name}."
        return Brought(branch, commit, state, f"{text}\nNext: inv fleet.push {name}")
    when = "already" if state == "same" else "now"
    then = f"Next: inv fleet.merge {name}\nOr: inv fleet.pr {name}"
    return Brought(branch, commit, state, f"{branch} here is {when} at {commit[:12]}.\n{then}")


def _is_rebased(repository: Repository, branch: str, commit: str) -> bool:
    """Bring *branch* here to *commit* if that has the same changes, as after a sync there; return whether it has."""
    own = git.list_branches(repository)[f"refs/heads/{branch}"]
    if own.checkout or not merged.has_every_patch(repository, own.commit, commit):
        return False
    git.run_git(repository.main, "update-ref", "-m", "fleet.pull", own.name, commit, own.commit)
    return True


def send_base(repository: Repository, host: Host, base: str) -> str:
    """Make the commit that *base* is here known on *host* and return it; no branch there is changed by that."""
    commit = git.resolve_commit(repository, base)
    if not commit:
        raise SessionError(f"No such branch or commit: {base}\nList them: git branch --all")
    transfer_refs(repository, host, "push", f"+{commit}:refs/tally/base/{commit}")
    return commit


def name_of_base(repository: Repository, base: str) -> str:
    """Return the branch that *base* is, here or on a remote; empty for a commit or a tag."""
    full = git.read_git(repository.main, "rev-parse", "--symbolic-full-name", base, check=False).strip()
    kinds = ("refs/heads/", "refs/remotes/")
    return next((full.removeprefix(kind) for kind in kinds if full.startswith(kind)), "")
