"""`inv session.setup`."""

from __future__ import annotations

from invoke.context import Context

from .command import CHANGED, NAMES, answer_done, command, fail_with


@command("name", help={**NAMES, "all": "run it in every session", **CHANGED})
def setup(c: Context, name: str = "", all: bool = False, yes: bool = False) -> None:
    """Run a session's setup commands again.

    All of them run, in the order of the setting setup, with what the session had at session.add.

    Example: inv session.setup feature/login
    """
    from ..errors import SessionError, describe_error
    from ..plan import row_consent
    from ..resources import setup_commands
    from ..system import signals
    from . import selection

    sessions, failures = row_consent.part_sessions(c, selection.select_sessions(c, name, all), yes)
    for session in sessions:
        try:
            with signals.signals_raised():
                setup_commands.run_again(session)
        except (SessionError, OSError) as error:
            failures.append(describe_error(error))
            continue
        if setup_commands.unfinished_commands(session):
            failures.append(f"Setup of {session.name} failed.")  # why was printed with its output
        else:
            answer_done(f"Setup of {session.name} is done.")
    fail_with(failures)
