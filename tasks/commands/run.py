"""`inv session.run`."""

from __future__ import annotations

import shlex
import sys

from invoke.context import Context

from .command import CHANGED, answer, command


@command("name", "line", help={
    "name": "session name (default: that of the worktree you are in)",
    "line": "command in quotes, or unquoted after --",
    "app": "run it in this app's directory, with its variables",
    "all": "run it in every session, one after the other",
    "maybe": "outside of a session, run the command here (all words are then the command, none is a NAME)",
    **CHANGED,
})  # fmt: skip
def run(
    c: Context, name: str = "", line: str = "", app: str = "", all: bool = False, maybe: bool = False,
    yes: bool = False,
) -> None:  # fmt: skip
    """Run a command in a session, with its variables.

    It runs in the worktree, and ends with the exit code of the command.

    Example: inv session.run feature/login 'npm test'
    """
    from ..plan import row_consent
    from ..system import session_command
    from . import selection

    if "--" in sys.argv and not (line or maybe):  # Invoke passes on nothing of what follows
        words = sys.argv[sys.argv.index("--") + 1 :]
        line = words[0] if len(words) == 1 else shlex.join(words)
    if all:
        from . import each_session

        each_session.run_everywhere(c, [word for word in (name, line) if word], app, yes)
        return
    session, line, directory = selection.select_for_command(c, (name, line), maybe)
    if c.config.run.dry:
        answer(line)
    elif session is None:
        session_command.become_command_unchanged(line)
    else:
        row_consent.require_sessions(c, [session], yes)
        session_command.become_command(session, line, app, directory)
