"""The task that talks with a session's conversation: send."""

from __future__ import annotations

from invoke.context import Context

from .command import answer, command


@command("name", "text", help={"name": "the session", "text": "what to say; several lines are one prompt"})
def send(c: Context, name: str, text: str) -> None:
    """Say something in a session's conversation, if it is at its prompt.

    Example: inv session.send feature/login "run the tests and mend what fails"
    """
    from . import choosing
    from .conversations import sending

    (session,) = choosing.chosen(c, name)
    sending.send(session, text)
    answer(f"sent to {session.name}")
