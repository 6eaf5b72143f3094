"""A fetch that nobody waits for: it runs while a session is added, and ends by itself."""

from __future__ import annotations

import subprocess
from typing import NamedTuple

from ..model import Repository, Session
from ..system import shell
from . import fetch, git


class Fetch(NamedTuple):
    """The *process* that fetches the *branch*."""

    process: subprocess.Popen[bytes]
    branch: str


_begun: dict[Repository, Fetch] = {}


def begin_fetch(base: str, repository: Repository) -> None:
    """Begin to fetch the remote of *base*, if it has one."""
    remote, branch = fetch.find_tracked(base, repository)
    if not remote:
        return
    argv = ("git", "-C", str(repository.main), "-c", "gc.auto=0", "fetch", "--quiet", "--no-recurse-submodules", remote)
    environment = {**shell.clean_environment(), "GIT_TERMINAL_PROMPT": "0"}
    shell.echo_command(" ".join(argv))
    null = subprocess.DEVNULL
    process = subprocess.Popen(argv, env=environment, stdin=null, stdout=null, stderr=null, start_new_session=True)
    _begun[repository] = Fetch(process, branch)


def describe_news(session: Session) -> str:
    """Return which commits of its base *session* doesn't have, if the fetch that began with it has ended by now."""
    begun = _begun.pop(session.repository, None)
    if begun is None or begun.process.poll() is None or not session.start:
        return ""
    count = git.count_beyond(session.repository, begun.branch, session.start)
    if not count:
        return ""
    return f"{session.name} is {git.commits_text(count)} behind {begun.branch}.\nRun: inv session.sync {session.name}"
