"""What is printed about a session that was added, would be, or is removed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from .. import lifecycle
from ..errors import SessionError, describe_error
from ..model import Removal, Session
from ..store import rows as store_rows
from ..system.progress import muted_output, notice, say
from ..system.terminal import SHOWN
from . import selection
from .command import answer, as_json, fail_with

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..views.removed import Removed

_OURS = "tasks"


def mention_missing_claude(sessions: Sequence[Session]) -> None:
    """Print one note if the program of the conversations in *sessions* can't be found."""
    from ..claude import launch

    names: dict[str, list[str]] = {}
    for session in sessions:
        names.setdefault(launch.missing_program(session), []).append(session.name)
    names.pop("", None)
    for text, missing in names.items():
        notice(f"{text}\nThen run: inv session.resume {' '.join(missing)}")


def mention_trust(session: Session) -> None:
    """Print a note if the conversation of *session* begins only once somebody says that its code is trusted."""
    if not (session.converses and session.agent.is_claude):
        return
    from ..claude import launch, project_entry

    if project_entry.needs_trust(session) and not launch.missing_program(session):
        then = "Then it starts on the prompt." if session.prompt else "It asks this only once."
        main = session.repository.main
        notice(f"Claude Code asks whether you trust {main}. {then}\nAnswer: inv session.attach {session.name}")


def answer_plan(session: Session, json: bool) -> None:
    """Print what would be created."""
    from ..store import rows
    from ..views import details

    plan = details.format_plan(session, lifecycle.resources_at_add(session))
    answer(as_json(rows.session_row(session)) if json else plan)


def answer_session(c: Context, session: Session, json: bool, failures: Sequence[str] = ()) -> None:
    """Print where it is and what conflicts with it; end with *failures* as the task's own failure."""
    from ..views import details

    answer(_record(session) if json else details.format_added(session))
    if (session.repository.main / _OURS).is_dir() and not (session.worktree / _OURS).is_dir():
        notice(
            f"{_OURS}/ is not on its branch, so inv doesn't work in its worktree. Commit {_OURS}/ first.\n"
            f"Then run: inv session.sync {session.name}"
        )
    _mention_other_code(session)
    if not session.bare:
        mention_missing_claude([session])
        mention_trust(session)
    if session.scope or session.brings_work:
        from ..status import conflicts

        conflicts.print_notes(conflicts.new_session_sentences(session, selection.list_sessions(c, session.repository)))
    fail_with(failures)


def _mention_other_code(session: Session) -> None:
    """Print a note for each package that Python imports from another checkout whatever the session sets."""
    from ..system import activation

    if activation.find_environment(session.activate) is not None:
        from ..status import other_code

        for problem in other_code.imports_elsewhere(session):
            fix = problem.fix[:1].upper() + problem.fix[1:]
            notice(f"{problem.what}: {problem.why}. merge and pr refuse to verify with it.\n{fix}.")


def mention_news(session: Session, settings: Settings) -> None:
    """Print which commits the base of *session* got, as far as a fetch in the background knows by now."""
    if settings.fetch == "background":
        from ..tools import background_fetch

        if text := background_fetch.describe_news(session):
            notice(text)


def _record(session: Session) -> str:
    from ..status import session_status  # only programs ask for all of it

    return as_json(session_status.session_statuses([session], session.repository)[0].record())


def work_record(session: Session, text: str) -> dict[str, Any]:
    """Return what a task says as *text* about the work of *session*, and how that stands now."""
    from ..status import session_status

    now = store_rows.current_session(session)
    return {"message": text, **session_status.session_statuses([now], session.repository)[0].record()}


def narrow_removal(sessions: Sequence[Session], how: Removal, merged: bool, dry: bool) -> tuple[list[Session], Removal]:
    """Return which of *sessions* are removed and how: with *merged* only those, and never more than was shown."""
    kept, how = _keep_merged(sessions, how) if merged else ([*sessions], how)
    return kept, _with_shown(kept, how, dry)


def _keep_merged(sessions: Sequence[Session], how: Removal) -> tuple[list[Session], Removal]:
    """Return those of *sessions* whose work is merged, with *how* they are removed; print why each counts as that."""
    from ..status import merged_sessions

    found = merged_sessions.find_merged(sessions[0].repository, sessions) if sessions else []
    for each in found:
        say(f"{each.session.name} counts as merged: {each.why}.")
    if sessions and not found:
        say("Nothing to remove: no session is merged.")
    return [each.session for each in found], how._replace(merged_tips=tuple(each.tip for each in found if each.tip))


def _with_shown(sessions: Sequence[Session], how: Removal, dry: bool) -> Removal:
    """Return *how* with what a person was shown of *sessions*; noted by the *dry* run that showed it."""
    if SHOWN not in os.environ:
        return how
    from ..plan import remove as plan_remove
    from ..store import shown_removals

    if dry:
        states = dict[str, tuple[str, bool]]()
        for session in sessions:
            with suppress(SessionError, OSError):  # the dry run itself says why it can't be removed
                states[session.name] = plan_remove.removal_state(session, how)
        shown_removals.note_shown(states)
        return how
    return how._replace(shown={name: state for name, (state, _is_safe) in shown_removals.take_shown().items()})


def check_removals(sessions: Sequence[Session], how: Removal, refusals: Sequence[str]) -> list[Session]:
    """Return those of several *sessions* that can be removed, inner worktrees first.

    Print *refusals*, why each other one can't be removed, and what is lost with `--force`.
    """
    possible, lines = list[Session](), list(refusals)
    for session in sorted(sessions, key=lambda each: -len(each.worktree.parts)):
        within = [each for each in possible if each.worktree.is_relative_to(session.worktree)]
        loss = "" if within else _refusal(session, how._replace(force=False))
        refusal = _refusal(session, how) if loss and how.force else loss
        if refusal:
            lines.append(refusal)
        else:
            possible.append(session)
            lines += [f"{loss.splitlines()[0].rstrip(':.')}."] if loss else []
    for line in lines:
        say(line)
    return possible


def _refusal(session: Session, how: Removal) -> str:
    """Return why *session* can't be removed; "" if it can."""
    from ..plan import remove as plan_remove

    try:
        with muted_output():
            plan_remove.plan_removal(session, how)
    except (SessionError, OSError) as error:
        return describe_error(error)
    return ""


def remove_one(session: Session, how: Removal, inside: Path) -> Removed:
    """Remove *session* and return what to print for a person whose directory was *inside*."""
    archive = lifecycle.remove_session(session, how)
    from ..claude import rules

    rules.mention_lost_rules(archive, session.repository)
    back = shlex.quote(str(Path.cwd()))
    advice = (
        f"\nYour current directory was removed, too.\nRun: cd {back}" if inside.is_relative_to(session.worktree) else ""
    )
    from ..views import removed

    volumes: list[str] = []
    if session.compose:
        from ..resources import compose_project

        volumes = compose_project.left_volumes(session)
    removal = removed.describe_removed(session, archive, volumes)
    return removal._replace(text=removal.text + advice)


def stopped_text(name: str, done: Sequence[Mapping[str, Any]], waiting: Sequence[str], error: SessionError) -> str:
    """Return why merging several sessions stopped at *name*: what was *done* before, and what is still *waiting*."""
    before = ", ".join(record["name"] for record in done) or "none"
    why = str(error).replace("Nothing was merged: ", f"{name}: ", 1)  # what came before it was
    return f"Stopped at {name}. Merged before it: {before}. Not merged: {', '.join([name, *waiting])}.\n{why}"
