"""The task about what conversations are permitted."""

from __future__ import annotations

from invoke.context import Context

from .command import NAME, answer, as_json, command


@command("name", help={
    **NAME,
    "merge": "add the session's new rules to the main checkout's .claude/settings.local.json",
    "json": "answer as JSON",
})  # fmt: skip
def permissions(c: Context, name: str = "", merge: bool = False, json: bool = False) -> None:
    """Show the rules that Claude Code was given in a session and that the main checkout lacks; --merge adds them there.

    Example: inv session.permissions feature/login --merge
    """
    from . import choosing
    from .conversations import granting

    repository = choosing.here()
    known = {session.name for session in choosing.every(c, repository)}
    found = granting.removed(name, repository) if name and name not in known else None
    found = found or granting.of(choosing.chosen(c, name)[0])
    dry = c.config.run.dry
    merged = granting.merge(found) if merge and not dry else {}
    answer(as_json(found.record(merged)) if json else granting.text(found, merged))
