"""`inv session.remove`."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from .command import CHANGED, JSON, NAMES, answer, answer_done, as_json, command, fail_with


@command("name", help={
    **NAMES,
    "force": "remove it even with unsaved or unmerged work, and with its volumes",
    "keep-branch": "keep the branch",
    "keep-volumes": "keep the volumes of its containers for a later session of the same name",
    "all": "remove every session",
    "merged": "fetch, then remove every session whose work is merged",
    "dry-run": "show what would be removed, without changing anything",
    **CHANGED,
    **JSON,
})  # fmt: skip
def remove(
    c: Context, name: str = "", force: bool = False, keep_branch: bool = False, keep_volumes: bool = False,
    all: bool = False, merged: bool = False, dry_run: bool = False, yes: bool = False, json: bool = False,
) -> None:  # fmt: skip
    """Remove sessions, unless that would lose work.

    Their servers, containers, tmux sessions, worktrees and branches go. If you name several,
    all are checked before the first is removed.

    Example: inv session.remove feature/login
    """
    from ..errors import SessionError, describe_error
    from ..model import Removal
    from ..plan import remove as plan_remove
    from ..views import removed
    from . import report, selection

    how, dry, inside = Removal(force, keep_branch, keep_volumes), dry_run or c.config.run.dry, Path.cwd()
    targets, failures = selection.select_sessions(c, name, all or (merged and not name)), list[str]()
    targets, how = report.narrow_removal(targets, how, merged, dry)
    names, records, several = [session.name for session in targets], [], len(targets) > 1
    if not dry:
        targets, failures = selection.part_unchanged(c, targets, selection.REMOVED, yes)
        if several:
            targets, failures = report.check_removals(targets, how, failures), []
    for session in targets:
        try:
            plan = plan_remove.plan_removal(session, how) if dry else None
            removal = removed.planned_removal(plan) if plan else report.remove_one(session, how, inside)
            names.remove(session.name)
            records.append(removal.record)
            if not json:
                answer_done(removal.text)
        except (SessionError, OSError) as error:
            failures.append(describe_error(error))
    if json:
        answer(as_json(records))
    fail_with([*failures, *([f"Not removed: {', '.join(names)}"] if names and several and not dry else [])])
