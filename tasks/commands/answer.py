"""`inv session.answer`."""

from __future__ import annotations

from invoke.context import Context

from .command import answer, answer_done, command


@command("name", "reply", help={
    "name": "session name",
    "reply": "yes, always or no (default: only show what is asked)",
    "message": "with no: what Claude should do instead",
})  # fmt: skip
def answer_(c: Context, name: str, reply: str = "", message: str = "") -> None:
    """Answer the permission prompt of a session's Claude.

    It shows what is asked first, and answers only what the window shows.

    Example: inv session.answer feature/login yes
    """
    from ..claude import answering
    from ..claude import send as claude_send
    from ..errors import SessionError, quote_text
    from . import selection

    if reply and reply not in answering.ANSWERS:
        words = ", ".join(answering.ANSWERS)
        raise SessionError(
            f"The answer must be one of {words}, not {quote_text(reply)}.\nRun: inv session.answer {name} yes"
        )
    if message and reply != "no":
        raise SessionError(f"--message goes with the answer no.\nRun: inv session.answer {name} no --message TEXT")
    session = selection.select_session(c, name)
    dialog = answering.read_dialog(session)
    answer(dialog.text)
    if reply:
        answering.answer_prompt(session, dialog, reply)
        answer_done(f"Answered {session.name}: {reply}.")
    if message:
        claude_send.send_prompt(session, message, when_idle=True)
        answer_done(f"Sent to {session.name}.")
