"""`inv session.send`."""

from __future__ import annotations

from invoke.context import Context

from .command import answer_done, command, fail_with


@command("name", "text", help={
    "name": "session names, separated by commas (default: that of the worktree you are in)",
    "text": "message in quotes (if it starts with -: --text='- …')",
    "all": "send it to every session whose Claude is at its prompt",
    "when_idle": "wait until Claude is at its prompt, then send it",
})  # fmt: skip
def send(c: Context, name: str = "", text: str = "", all: bool = False, when_idle: bool = False) -> None:
    """Send a message to the Claude of a session.

    Claude has to be at its prompt; one that is just starting is waited for.

    Example: inv session.send feature/login "run the tests and fix what fails"
    """
    from ..claude import send as claude_send
    from ..errors import SessionError, describe_error
    from ..tools import git
    from . import selection

    name, text = (name, text) if text else ("", name)
    if all and name:
        raise SessionError("--all takes a message and no NAME.\nRun: inv session.send --all 'run the tests'")
    sessions = selection.list_sessions(c, git.current_repository())
    if not name and text in (session.name for session in sessions):
        raise SessionError(f"No message for session {text}.\nRun: inv session.send {text} 'run the tests'")
    if all and not sessions:
        raise selection.no_sessions_error()
    failures = []
    for session in selection.select_sessions(c, name, all):
        try:
            claude_send.send_prompt(session, text, when_idle)
            answer_done(f"Sent to {session.name}.")
        except (SessionError, OSError) as error:
            failures.append(describe_error(error))
    fail_with(failures)
