"""The commits that a session on a host is measured against: only this machine knows what its base is by now."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from typing import Any

from ..config.settings import Settings
from ..errors import Interrupted, SessionError
from ..model import Repository
from ..system import progress
from ..tools import fetch, git
from . import branches, move, remote_run
from .host import Host


def bring_base(name: str, host: Host, row: Mapping[str, Any], settings: Settings, repository: Repository) -> None:
    """Have *host* measure the session *name* against what its base is here now, after a fetch where `add` does one.

    The base of a session that was not added from another machine is a branch there, and stays that.
    """
    if not (called := str(row.get("based", ""))):
        return
    if settings.fetch:
        fetch.fetch_base(called, repository)
    if not (commit := git.resolve_commit(repository, called)):
        raise SessionError(f"The base {called} of session {name} doesn't exist here.\nRun: git branch --all")
    with progress.tell_step("base", f"{called} to {host.name}"):
        bring_commit(host, commit, repository)
        send_base(name, host, commit)


def send_base(name: str, host: Host, commit: str, **merged: str) -> None:
    """Have *host* measure the session *name* against *commit*, which it has; *merged*: what was merged as that."""
    sent = json.dumps({"base": commit, **merged})
    move.call_handover(host, "base", f"--name={name}", f"--sent={sent}")


def bring_commit(host: Host, commit: str, repository: Repository) -> None:
    """Make *commit* known on *host*, on no branch."""
    branches.transfer_refs(repository, host, "push", f"+{commit}:refs/tally/base/{commit}")


def verify_there(name: str, host: Host, repository: Repository, head: str, merged: str) -> None:
    """Run the checks of the session *name* on *host*, on the commit *merged* that its *head* comes to.

    What they print is narration. Raises `SessionError` where one fails.
    """
    if merged != head:
        bring_commit(host, merged, repository)
    progress.tell("checks", f"of {name} on {host.name}")
    words = [*move.handover_words("verify"), f"--name={name}", f"--head={head}", f"--merged={merged}"]
    code = remote_run.run_on_host(host, words, answers=False)
    if code == 128 + signal.SIGINT:
        raise Interrupted(signal.SIGINT)
    if code:
        raise SessionError(f"Nothing was merged or pushed: the checks of {name} on {host.name} didn't pass.")
