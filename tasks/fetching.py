"""Asking a remote for what is new; being offline is no failure."""

from __future__ import annotations

from . import git, narration, shell
from .errors import CommandError
from .model import Repository


def fetch(repository: Repository, remote: str) -> bool:
    """Fetch *remote* and return whether it answered; if not, that is told."""
    environment = {**shell.environment(), "GIT_TERMINAL_PROMPT": "0"}  # a question for a password would wait for ever
    try:
        with narration.step("fetch", remote):
            shell.read("git", "-C", str(repository.main), "fetch", "--quiet", remote, env=environment)
    except CommandError as error:
        said = error.stderr.strip().splitlines()
        narration.notice(f"{remote} cannot be reached, so what is known of it counts: {said[0] if said else ''}")
        return False
    return True


def behind(repository: Repository, branch: str, upstream: str) -> None:
    """Tell when the local *branch* lacks commits of its *upstream*, both full names."""
    if not upstream or not git.commit(repository, upstream):
        return
    if count := git.beyond(repository, upstream, branch):
        short = upstream.removeprefix("refs/remotes/")
        narration.notice(
            f"{branch.removeprefix('refs/heads/')} lacks {count} commit{'s' if count > 1 else ''} of {short};"
            " to take them where it is checked out: git pull --ff-only"
        )
