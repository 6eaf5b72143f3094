"""`inv session.doctor`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from invoke.context import Context

from .command import answer, as_json, command, fail_with

if TYPE_CHECKING:
    from ..model import Problem


@command(help={
    "fix": "fix what can be fixed safely",
    "yes": "approve what was changed in a session's row since session.add",
    "json": "print JSON",
})  # fmt: skip
def doctor(c: Context, fix: bool = False, yes: bool = False, json: bool = False) -> None:
    """Find and fix problems of sessions and this machine.

    Example: inv session.doctor --fix
    """
    from ..errors import OutcomeError
    from ..status import doctor as doctoring
    from ..system import progress
    from ..tools import git
    from ..views import details
    from . import selection

    repository = git.current_repository()
    sessions, failures = selection.list_sessions(c, repository), list[str]()
    refused = _settings_problems(c)  # which nothing here mends
    problems = [*refused, *doctoring.find_problems(repository, sessions)]
    if fix:
        from ..plan import row_consent

        allow = partial(row_consent.part_sessions, c, agreed=yes)
        failures, before = doctoring.fix_problems(repository, sessions, allow), problems
        problems = [*refused, *doctoring.find_problems(repository, selection.list_sessions(c, repository))]
        for name, problem in before:
            if problem.what not in [each.what for whose, each in problems if whose == name]:
                progress.tell("fixed", f"{name}: {problem.what}" if name else problem.what)
    answer(as_json([details.problem_record(*each) for each in problems]) if json else details.format_problems(problems))
    remain = "1 problem remains." if len(problems) == 1 else f"{len(problems)} problems remain."
    if failures:
        fail_with([*failures, *([remain] if problems else [])])
    if problems:
        raise OutcomeError(remain)


def _settings_problems(c: Context) -> list[tuple[str, Problem]]:
    """Return the problem of a configuration with which no session can be added."""
    from ..errors import SessionError
    from ..model import Problem
    from ..store import configuration

    try:
        configuration.load_settings(c)
    except SessionError as error:
        fact, _, advice = str(error).partition("\n")
        fix = advice.removeprefix("Run: ") or "inv session.config --check"
        return [("", Problem(fact.rstrip("."), "sessions can't be added with it", fix))]
    return []
