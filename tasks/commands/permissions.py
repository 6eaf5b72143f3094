"""`inv session.permissions`."""

from __future__ import annotations

from invoke.context import Context

from .command import NAME, answer, as_json, command


@command("name", help={
    **NAME,
    "merge": "add the new rules to the main checkout's .claude/settings.local.json",
    "json": "print JSON",
})  # fmt: skip
def permissions(c: Context, name: str = "", merge: bool = False, json: bool = False) -> None:
    """Show permissions granted in a session, or keep them.

    It shows the rules that the main checkout doesn't have. --merge adds them there.

    Example: inv session.permissions feature/login --merge
    """
    from ..claude import rules
    from ..tools import git
    from . import selection

    repository = git.current_repository()
    names = {session.name for session in selection.list_sessions(c, repository)}
    grants = rules.removed_rules(name, repository) if name and name not in names else None
    grants = grants or rules.granted_rules(selection.select_session(c, name))
    dry = c.config.run.dry
    additions = rules.merge_granted(grants) if merge and not dry else {}
    answer(as_json(grants.record(additions)) if json else rules.format_granted(grants, additions))
