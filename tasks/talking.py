"""The task that talks with a session's conversation: send."""

from __future__ import annotations

from invoke.context import Context

from .command import answer, command, fail
from .errors import SessionError, told


@command("name", "text", help={
    "name": "the session; inside its worktree it may be left out, and the text is the only word",
    "text": "what to say; several lines are one prompt; what begins with - is said by --text='- …'",
    "all": "say it in every conversation that is at its prompt; the text is the only word",
})  # fmt: skip
def send(c: Context, name: str = "", text: str = "", all: bool = False) -> None:
    """Say something in a session's conversation, if it is at its prompt.

    Example: inv session.send feature/login "run the tests and mend what fails"
    """
    from . import choosing
    from .conversations import sending

    name, text = (name, text) if text else ("", name)
    if all and name:
        raise SessionError("with --all the text is the only word: inv session.send --all 'run the tests'")
    known = choosing.every(c, choosing.here())
    if not name and text in (session.name for session in known):
        raise SessionError(f"session {text} is given no text: inv session.send {text} 'run the tests'")
    if all and not known:
        raise SessionError("there is no session; to make one: inv session.add NAME")
    failed = []
    for session in choosing.chosen(c, name, all):
        try:
            sending.send(session, text)
            answer(f"sent to {session.name}")
        except (SessionError, OSError) as error:
            failed.append(told(error))
    fail(failed)
