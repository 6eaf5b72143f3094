"""What to do next about a session, and what was done last."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Any

from ..integrate import checks
from ..model import Session
from ..resources import worktree
from ..tools import git
from . import worktree_looks
from .session_status import Status

_RECENT = 5
_STARTING = 180.0  # seconds that servers of a new session may need
Step = tuple[str, str]  # why, and the command


def advice_record(status: Status) -> dict[str, Any]:
    """Return it as `show --json` shows it."""
    steps = [{"why": why, "command": command} for why, command in next_steps(status)]
    return {"commits": recent_commits(status), "next": steps}


def advice_lines(status: Status) -> list[tuple[str, str]]:
    """Return it for people."""
    commits = [("commit", line) for line in recent_commits(status)]
    return commits + [("next", f"{command}    ({why})") for why, command in next_steps(status)]


def recent_commits(status: Status) -> list[str]:
    """Return the newest commits of the branch, the newest first."""
    session = status.session
    words = ("log", f"--max-count={_RECENT}", "--no-show-signature", "--format=%h %s (%cr)", "--end-of-options")
    return git.read_git(session.repository.main, *words, f"refs/heads/{session.branch}", "--", check=False).splitlines()


def next_steps(status: Status) -> list[Step]:
    """Return what there is to do, the most urgent first."""
    session, name = status.session, status.session.name
    if status.state in ("adding", "removing"):
        return [(f"{status.state} was interrupted", f"inv session.remove {name}")]
    if status.look.admin_dir is None:
        problem = worktree.problems(session)[0]  # a server that still runs may have made files again, too
        return [(problem.what, problem.fix)]
    if status.work is None:
        return [(status.silence or "git can't read its work", "inv session.doctor")]
    steps = _unfinished(status) or _finishing(status)
    if status.state == "stopped" and session.windows:
        steps.append(("it is stopped", f"inv session.start {name}"))
    if status.state == "partial" and _is_new(session):
        steps.append(("its servers may be starting", f"inv session.start {name} --wait"))
    elif status.state == "partial":
        steps.append(("a server is down; see why", "inv session.doctor"))
    return steps


def _is_new(session: Session) -> bool:
    """Return whether the session was added in the last minutes: servers take their time."""
    if not session.created:
        return False
    return (datetime.now().astimezone() - datetime.fromisoformat(session.created)).total_seconds() < _STARTING


def _unfinished(status: Status) -> list[Step]:
    """Return what has to be done before anything else."""
    session, work, operation = status.session, status.work, status.look.operation
    enter = f"cd {shlex.quote(str(session.worktree))} && git"
    if operation:
        return worktree_looks.operation_steps(session, operation)
    if work and work.branch != session.branch:
        place = "no branch: a detached HEAD" if work.branch == "(detached)" else work.branch
        return [(f"it is on {place}", f"{enter} {checks.checkout_hint(session)}")]
    if work and work.dirty:
        return [("uncommitted changes", f"{enter} add --all && git commit")]
    return []


def _finishing(status: Status) -> list[Step]:
    session, work = status.session, status.work
    if status.merged:
        return [(f"merged into {session.merged_into}", f"inv session.remove {session.name}")]
    if status.behind:
        count = f"{status.behind} commit{'s' * (status.behind > 1)}"
        return [(f"{count} behind {session.base}", f"inv session.sync {session.name}")]
    if status.ahead:
        merge = [("merge it into its base", f"inv session.merge {session.name}")]
        return [*merge, ("or open a pull request", f"inv session.pr {session.name}")]
    if work and session.start and work.head != session.start:
        return [(f"{session.base} has all of its commits", f"inv session.remove {session.name}")]
    return []
