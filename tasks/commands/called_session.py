"""What another machine has done for a session here: its checks on a commit, and another base."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from invoke.context import Context

from ..errors import SessionError
from ..integrate import checks
from ..integrate import sync as integrate_sync
from ..plan import row_consent
from ..status import machine_use
from ..store import registry, seals
from ..system import signals
from ..tools import git
from . import selection


def verify_commit(c: Context, name: str, head: str, merged: str) -> None:
    """Run the checks of the session *name* on *merged*, what its commit *head* comes to.

    Raises `SessionError` where it has changed since *head* was pulled, or has uncommitted changes.
    """
    session = selection.select_session(c, name)
    row_consent.require_sessions(c, [session], agreed=False)
    with signals.signals_raised(), registry.session_lock(session.repository, session.name):
        work = checks.require_ready(session)
        checks.refuse_dirty(session, work)
        if work.head != head:
            fact = f"{session.branch} is at {work.head[:12]} by now, not at {head[:12]}."
            raise SessionError(f"{fact}\nRun: inv fleet.pull {name}")
        checks.run_verification(session, head, merged)


def take_base(c: Context, name: str, sent: dict[str, Any]) -> None:
    """Measure the session *name* against the commit *base* that was *sent*, which it may have been merged as.

    A row that was sealed stays so: its base is not a command, and whoever calls has a shell here anyway.
    """
    session = selection.select_session(c, name)
    repository, base = session.repository, str(sent["base"])
    if not git.resolve_commit(repository, base):
        raise SessionError(f"The commit {base} isn't here.\nRun: inv fleet.push {name}")
    with registry.session_lock(repository, name):
        row = registry.read_registry(repository)[name]
        sealed = seals.is_intact(name, row)
        facts: dict[str, Any] = {"base": base}
        if into := sent.get("into", ""):
            now = datetime.now().astimezone().isoformat(timespec="seconds")
            facts |= {"merged": now, "merged_tip": sent["tip"], "merged_into": into, "merged_as": base}
        facts |= {"based": sent["based"]} if sent.get("based") else {}
        changed = registry.note_facts(repository, name, **facts)
        if sealed:
            seals.reseal_row(repository, name, changed)


def describe_machine(c: Context, seconds: str) -> dict[str, Any]:
    """Return what this machine is used for, where nothing may have happened for so many *seconds*."""
    repository = git.current_repository()
    return machine_use.describe_use(selection.list_sessions(c, repository), repository, float(seconds))


def sync_or_abort(c: Context, name: str) -> None:
    """Sync the session *name*; what stops in a conflict is aborted."""
    integrate_sync.sync_session(selection.select_session(c, name), aborts=True)
