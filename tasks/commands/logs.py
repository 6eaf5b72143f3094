"""`inv session.logs`."""

from __future__ import annotations

from invoke.context import Context

from .command import NAMES, answer, command, fail_with


@command("name", help={
    **NAMES,
    "window": "window name, or the part of it before the colon",
    "service": "service of its compose file",
    "lines": "number of last lines of each",
    "follow": "keep printing new lines until ^C",
})  # fmt: skip
def logs(
    c: Context, name: str = "", window: str = "", service: str = "", lines: str = "50", follow: bool = False
) -> None:
    """Show the output of a session's windows or containers.

    A session with containers shows those, unless you give --window.

    Example: inv session.logs feature/login --window backend --lines 20
    """
    from ..errors import SessionError, quote_text
    from ..views import logs as views_logs
    from . import selection

    if not (lines.isascii() and lines.isdigit()):
        raise SessionError(f"--lines must be a number of lines, not {quote_text(lines)}.")
    sessions = selection.select_sessions(c, name)
    if follow and len(sessions) > 1:
        raise SessionError(f"--follow takes one session.\nRun: inv session.logs {sessions[0].name} --follow")
    failures = []
    for session in sessions:
        if len(sessions) > 1:
            answer(f"==> {session.name} <==")
        try:
            views_logs.print_logs(session, window, service, int(lines), follow)
        except SessionError as error:
            failures.append(str(error))
    fail_with(failures)
