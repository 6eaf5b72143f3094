"""`inv session.env`."""

from __future__ import annotations

from invoke.context import Context

from .command import CHANGED, NAME, answer, as_json, command


@command("name", help={
    **NAME,
    "app": "add the variables of this app (its directory, or the last part of it)",
    **CHANGED,
    "json": "print JSON",
})  # fmt: skip
def env(c: Context, name: str = "", app: str = "", yes: bool = False, json: bool = False) -> None:
    """Print a session's variables for your shell.

    In the shell: eval "$(inv session.env NAME)".

    Example: inv session.env feature/login
    """
    from ..plan import row_consent
    from ..system import session_command
    from . import selection

    session = selection.select_session(c, name)
    row_consent.require_sessions(c, [session], yes)
    variables = session_command.session_variables(session, app)
    answer(as_json(variables) if json else session_command.export_lines(variables), verbatim=not json)
