"""What to do next about a session, and what was done last."""

from __future__ import annotations

import shlex
from typing import Any

from .. import astray, git
from ..archives import keeping
from ..status import Status
from . import standing

_RECENT = 5
Step = tuple[str, str]  # why, and the command


def record(found: Status) -> dict[str, Any]:
    """Return it as `show --json` shows it."""
    steps = [{"why": why, "command": command} for why, command in following(found)]
    return {"commits": recent(found), "next": steps}


def lines(found: Status) -> list[tuple[str, str]]:
    """Return it for people."""
    commits = [("commit", line) for line in recent(found)]
    return commits + [("next", f"{command}    ({why})") for why, command in following(found)]


def recent(found: Status) -> list[str]:
    """Return the newest commits of the branch, the first one first."""
    session = found.session
    words = ("log", f"--max-count={_RECENT}", "--no-show-signature", "--format=%h %s (%cr)", "--end-of-options")
    return git.read(session.repository.main, *words, f"refs/heads/{session.branch}", "--", check=False).splitlines()


def following(found: Status) -> list[Step]:
    """Return what there is to do, the most urgent first."""
    session, done = found.session, found.work
    name = session.name
    if found.state in ("adding", "removing"):
        return [(f"{found.state} was interrupted", f"inv session.remove {name}")]
    if done is None:
        if away := astray.displaced(session):  # a server that went on may have made files again, too
            return [away]
        return [("the worktree is gone", f"inv session.remove {name} --keep-branch")]
    steps = _unfinished(found) or _finishing(found)
    if found.state == "stopped" and session.windows:
        steps.append(("it is stopped", f"inv session.start {name}"))
    if found.state == "partial":
        steps.append(("not all of it runs: what does not, and why", "inv session.doctor"))
    return steps


def _unfinished(found: Status) -> list[Step]:
    """Return what stands in the way of everything else."""
    session, done = found.session, found.work
    going_on = {entry.name for entry in keeping.in_progress(session)}
    enter = f"cd {shlex.quote(str(session.worktree))} && git"
    if kind := "rebase" if going_on & {"rebase-merge", "rebase-apply"} else "merge" if "MERGE_HEAD" in going_on else "":
        abort = f"inv session.sync {session.name} --abort"
        return [(f"a {kind} waits for you", f"{enter} {kind} --continue"), ("or give it up", abort)]
    if going_on:
        return [(f"{min(going_on)} is there", f"{enter} status")]
    if done and done.branch != session.branch:
        return [(f"it is on {done.branch}", f"{enter} {standing.checkout(session)}")]
    if done and done.dirty:
        return [("not committed", f"{enter} add --all && git commit")]
    return []


def _finishing(found: Status) -> list[Step]:
    session, done = found.session, found.work
    if found.merged:
        return [(f"merged into {session.merged_into}", f"inv session.remove {session.name}")]
    if found.behind:
        return [(f"{found.behind} behind {session.base}", f"inv session.sync {session.name}")]
    if found.ahead:
        finish = [("into the base", f"inv session.merge {session.name}")]
        return [*finish, ("or as a pull request", f"inv session.pr {session.name}")]
    if done and session.start and done.head != session.start:
        return [(f"{session.base} has all of it", f"inv session.remove {session.name}")]
    return []
