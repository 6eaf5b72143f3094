"""`inv session.wait`."""

from __future__ import annotations

from invoke.context import Context

from .command import NAME, answer, command

_STATES = ("idle", "waiting", "working", "off")
_TIME_IS_OVER, _NEEDS_PERSON = 2, 3


@command("name", help={
    **NAME,
    "until": f"{', '.join(_STATES)} (default: idle)",
    "timeout": "seconds to wait (default: no limit)",
})  # fmt: skip
def wait(c: Context, name: str = "", until: str = "idle", timeout: str = "") -> None:
    """Wait until a session's Claude is idle, waiting or off.

    Exit code 2 means that it timed out. 3 means that it won't get there without you: Claude asks you something, failed
    or has ended.

    Example: inv session.wait feature/login --until idle --timeout 600
    """
    from invoke.exceptions import Exit

    from ..claude import waiting
    from ..config import checks
    from ..errors import SessionError, quote_text
    from ..system.progress import notice
    from . import selection

    if until not in _STATES:
        raise SessionError(f"--until must be one of {', '.join(_STATES)}, not {quote_text(until)}.")
    seconds = checks.check_seconds("--timeout", timeout) if timeout else float("inf")
    session = selection.select_session(c, name)
    talk = waiting.wait_for_state(session, (until,), seconds)
    answer(str(talk))
    if talk.state == "off" != until:
        fix = f"\nRun: inv session.start {session.name}" if session.converses else " It has no window for Claude."
        notice(f"Claude isn't running in {session.name}.{fix}")
    if talk.state != until:
        raise Exit(code=_NEEDS_PERSON if waiting.needs_person(talk) else _TIME_IS_OVER)
