"""What a task is about: the session that NAME means, and the command for it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from invoke.context import Context

from ..errors import SessionError, closest_name
from ..model import Repository, Session
from ..store import registry
from ..store import rows as store_rows
from ..system.progress import say
from ..tools.git import current_repository


def list_sessions(c: Context, repository: Repository, names: Collection[str] = ()) -> list[Session]:
    """Return the sessions in the registry, by name; only those with *names*, if there are all of these."""
    rows = registry.read_registry(repository)
    if names and set(names) <= set(rows):
        rows = {name: rows[name] for name in names}

    def complete(*row: Any) -> Session:
        from ..plan import contents  # our own rows need no configuration
        from ..store.configuration import load_settings

        return contents.complete_row(load_settings(c), *row)

    if not rows:
        note_unusable_git(repository)
    return [
        store_rows.session_from_row(name, rows[name], repository, complete) for name in sorted(rows, key=natural_order)
    ]


def note_unusable_git(repository: Repository) -> None:
    """Print a note if git can't answer at all, as with a broken ~/.gitconfig: without sessions nothing asks it."""
    from ..system import progress
    from ..tools import git

    try:
        git.read_git(repository.main, "rev-parse", "--is-inside-work-tree", check=False)
    except SessionError as error:
        progress.notice(str(error))


def natural_order(name: str) -> list[tuple[bool, int, str]]:
    """Return the key by which names are sorted as people read them: task-2 before task-10."""
    parts = re.split("([0-9]+)", name)
    return [(False, int(part), "") if part.isdecimal() else (True, 0, part) for part in parts if part]


def select_session(c: Context, name: str) -> Session:
    """Return the session NAME, or that of the worktree we are in."""
    sessions = list_sessions(c, current_repository(), [name] if name else ())
    return named_sessions([name], sessions)[0] if name else _current_session(sessions)


def select_sessions(c: Context, names: str, all: bool = False) -> list[Session]:
    """Return the sessions whose *names* are separated by commas, or that of the worktree we are in, or all of them.

    Where there are none at all, that is said.
    """
    if not (sessions := _chosen(c, names, all)):
        from ..views import tables

        say(tables.NONE)
    return sessions


def _chosen(c: Context, names: str, all: bool) -> list[Session]:
    if all and names:
        raise SessionError(f"--all means every session. Leave out {names}, or --all.")
    sessions = list_sessions(c, current_repository(), split_names(names) if names else ())
    if all:
        return sessions
    return named_sessions(split_names(names), sessions) if names else [_current_session(sessions)]


def select_sessions_to_start(c: Context, names: str, all: bool) -> list[Session]:
    """Return what `select_sessions` does; of *all* those not that were added without anything that runs."""
    return [session for session in _chosen(c, names, all) if not (all and session.bare)]


def split_names(names: str) -> list[str]:
    """Return the *names* that are separated by commas, each once."""
    return list(dict.fromkeys(filter(None, map(str.strip, names.split(","))))) or [names]


def named_sessions(names: Sequence[str], sessions: Sequence[Session]) -> list[Session]:
    """Return those of *sessions* with these *names*, in their order; raise with all that there are not."""
    by_name = {session.name: session for session in sessions}
    if unknown := [name for name in names if name not in by_name]:
        texts = [f'"{name}"' for name in unknown]
        meant = [f'"{close}"' for name in unknown if (close := closest_name(name, by_name))]
        question = f" Did you mean {', '.join(meant)}?" if meant else ""
        raise SessionError(f"No session {', '.join(texts)}.{question}\nSessions: {', '.join(by_name) or 'none'}")
    return [by_name[name] for name in names]


def no_sessions_error() -> SessionError:
    """Return the error of what needs one session where there is none."""
    return SessionError("There are no sessions.\nRun: inv session.add NAME")


def _current_session(sessions: Sequence[Session]) -> Session:
    directory, names = Path.cwd(), [session.name for session in sessions]
    for session in sessions:
        if directory.is_relative_to(session.worktree):
            return session
    if not names:
        raise no_sessions_error()
    raise SessionError(f"Which session? Give a NAME, or run this inside its worktree.\nSessions: {', '.join(names)}")


# What of a row `stop` and `remove` act on; they run none of it.
STOPPED = frozenset(("compose", "slug", "tmux", "work_log", "worktree"))
REMOVED = STOPPED | {"branch", "thin", "teardown"}
_TEARDOWN = frozenset(("activate", "variables"))  # with which teardown runs


def part_unchanged(
    c: Context, sessions: Sequence[Session], acts_on: Collection[str], consent: bool
) -> tuple[list[Session], list[str]]:
    """Return those of *sessions* whose rows say what they said at `add` of what a task *acts_on*; with *consent* all.

    And for each other why not. Where no seal can be read, as on a full disk, nothing can be said against any.
    """
    from ..store import seals

    if "teardown" in acts_on and any(session.teardown for session in sessions):
        acts_on = {*acts_on, *_TEARDOWN}
    rows = registry.read_registry(sessions[0].repository) if sessions else {}
    try:
        if all(seals.is_intact(each.name, rows.get(each.name, {})) for each in sessions):
            return list(sessions), []
    except (SessionError, OSError):
        return list(sessions), []
    from ..plan import row_consent

    return row_consent.part_sessions(c, sessions, consent, acts_on)


def read_prompt(text: str, file: str) -> str:
    """Return the prompt that is given as *text* or in *file*; "" without one.

    Raises `SessionError` when both are given, or there is nothing in it.
    """
    if text and file:
        raise SessionError("Give --prompt or --prompt-file, not both.")
    if not file:
        return text
    try:
        prompt = Path(file).expanduser().read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SessionError(f"{file} is not UTF-8 text: {error}") from None
    if not prompt.strip():
        raise SessionError(f"{file} is empty.")
    return prompt


def select_for_command(c: Context, words: Sequence[str], maybe: bool) -> tuple[Session | None, str, Path | None]:
    """Return the session that a command is for, the command, and where to run it; None: in the worktree's top.

    *words* are NAME COMMAND, or COMMAND alone, which is for the session whose worktree we are in and runs where we
    are; with *maybe* it may be for none. A single word that may have been meant as a NAME is not run.
    """
    example, arguments = "inv session.run NAME 'npm test'", [word for word in words if word]
    if not arguments:
        raise SessionError(f"Which command?\nRun: {example}")
    if len(arguments) == 2:
        return select_session(c, arguments[0]), arguments[1], None
    (line,), directory = arguments, Path.cwd()
    try:
        sessions = list_sessions(c, current_repository())
    except SessionError:
        if not maybe or _inside_of_repository():
            raise
        sessions = []
    if line in (session.name for session in sessions) and not maybe:
        raise SessionError(f"No command for session {line}.\nRun: inv session.run {line} 'npm test'")
    for session in sessions:
        if directory.is_relative_to(session.worktree):
            return session, line, directory
    if not maybe:
        raise SessionError(
            f"Which session? Give a NAME, or run this inside its worktree.\nRun: {example}\n"
            "With --maybe the command runs here as it is."
        )
    return None, line, directory


def _inside_of_repository() -> bool:
    try:
        return bool(current_repository())
    except SessionError:
        return False
