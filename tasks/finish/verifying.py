"""The commands that must succeed in a session before its work is merged or proposed."""

from __future__ import annotations

from ..errors import SessionError
from ..machine import within
from ..model import Session
from ..narration import say


def run(session: Session) -> None:
    """Run the commands in the worktree, with what they print on stderr; the first that fails is a `SessionError`."""
    for command in session.verify:
        say(f"  verify     {command} …")
        if code := within.run(session, command).exit_code:
            raise SessionError(
                f"verify failed (exit code {code}), so nothing was merged or pushed: {command}\n"
                f"mend it in {session.worktree}, and commit it"
            )
