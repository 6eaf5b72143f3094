"""One command in every session, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from invoke.context import Context

from ..errors import SessionError, describe_error
from ..system import session_command
from . import selection
from .command import answer, fail_with


def run_everywhere(c: Context, words: Sequence[str], app: str, agreed: bool) -> None:
    """Run the command *words* in every session, with a heading each; raise `SessionError` with those that failed."""
    from ..plan import row_consent

    if len(words) != 1:
        fault = "--all means every session, so there is no NAME." if words else "Which command?"
        raise SessionError(f"{fault}\nRun: inv session.run --all 'git status -s'")
    sessions, failures = row_consent.part_sessions(c, selection.select_sessions(c, "", all=True), agreed)
    for session in sessions:
        answer(f"{session.name}:")
        sys.stdout.flush()
        if c.config.run.dry:
            answer(words[0])
            continue
        try:
            if code := session_command.run_line(session, words[0], app):
                failures.append(f"{session.name}: exit code {code}")
        except (SessionError, OSError) as error:
            failures.append(f"{session.name}: {describe_error(error)}")
    fail_with(failures)
