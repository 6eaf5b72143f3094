"""The tasks that lend a session's variables: env and run."""

from __future__ import annotations

from invoke.context import Context

from .command import NAME, answer, as_json, command


@command("name", help={
    **NAME,
    "app": "with the variables of this app as well: its directory, or the last part of it",
    "json": "answer as JSON",
})  # fmt: skip
def env(c: Context, name: str = "", app: str = "", json: bool = False) -> None:
    """Print a session's variables, for eval "$(inv session.env NAME)".

    Example: inv session.env feature/login
    """
    from . import choosing
    from .machine import running

    found = running.variables(choosing.chosen(c, name)[0], app)
    answer(as_json(found) if json else running.exports(found), verbatim=not json)


@command("name", "line", help={
    "name": "the session; inside its worktree it may be left out, and the command is the only word",
    "line": "the command, one word to the shell that you type it in",
    "app": "in the directory and with the variables of this app",
    "maybe": "outside of a session run the command as it is; a single word is then always the command",
})  # fmt: skip
def run(c: Context, name: str = "", line: str = "", app: str = "", maybe: bool = False) -> None:
    """Run a command with a session's variables, in its worktree, and return its exit code.

    Example: inv session.run feature/login 'npm test'
    """
    from . import choosing
    from .machine import running

    session, line, directory = choosing.for_command(c, (name, line), maybe)
    if c.config.run.dry:
        answer(line)
    elif session is None:
        running.run_unchanged(line)
    else:
        running.run(session, line, app, directory)
