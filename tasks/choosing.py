"""What a task is about: the repository we are in, its settings, the session that NAME means."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from . import git, records, registry
from .errors import SessionError
from .model import Repository, Session

if TYPE_CHECKING:
    from .settings import Settings


def here() -> Repository:
    """Return the repository that we are in."""
    try:
        start = Path.cwd()
    except FileNotFoundError:
        raise SessionError("the current directory was deleted; go to the main checkout: cd") from None
    return git.locate(start)


def settings(c: Context) -> Settings:
    """Return the configured settings."""
    from .config import session_config
    from .settings import from_environment, load

    configured = c.config.get("session", {})
    if not hasattr(configured, "items"):
        raise SessionError(f"session: expected a table of settings, found {configured!r}")
    file = session_config.path(here())
    of_project = session_config.settings(file) if file and not _of_project(c) else {}
    return load({**plain(configured), **of_project, **from_environment(os.environ)})


def _of_project(c: Context) -> bool:
    """Return whether the project itself has a `session:`; what a person adds for all projects is none of its own."""
    levels = (getattr(c.config, f"_{level}", None) or {} for level in ("collection", "project", "runtime", "overrides"))
    return any(level.get("session") for level in levels)


def plain(value: Any) -> Any:
    """Return what Invoke's configuration holds as ordinary tables."""
    return {key: plain(item) for key, item in value.items()} if hasattr(value, "items") else value


def every(c: Context, repository: Repository) -> list[Session]:
    """Return the sessions in the registry, by name."""
    rows = registry.rows(repository)
    return [records.session(name, rows[name], repository, lambda: settings(c)) for name in sorted(rows)]


def chosen(c: Context, name: str, all: bool = False) -> list[Session]:
    """Return the session NAME, or that of the worktree we are in, or all of them."""
    repository = here()
    if all and name:
        raise SessionError(f"--all is every session, {name} is one; give only one of the two")
    known, inside = every(c, repository), Path.cwd()
    if all:
        return known
    for session in known:
        if session.name == name or (not name and inside.is_relative_to(session.worktree)):
            return [session]
    listed = f"known: {', '.join(session.name for session in known)}" if known else "there is none"
    if not name:
        raise SessionError(f"a NAME is needed outside of a session's worktree; {listed}")
    raise SessionError(f"no session is called {name!r}; {listed}. To make it: inv session.add {name}")


def prompt(text: str, file: str) -> str:
    """Return the prompt that is given as *text* or in *file*; "" without one.

    Raises `SessionError` when both are given, or there is nothing in it.
    """
    if text and file:
        raise SessionError("only one of --prompt and --prompt-file can be given")
    if not file:
        return text
    try:
        said = Path(file).expanduser().read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SessionError(f"{file}: expected text in UTF-8: {error}") from None
    if not said.strip():
        raise SessionError(f"{file}: holds no prompt")
    return said


def for_command(c: Context, words: Sequence[str], maybe: bool) -> tuple[Session | None, str, Path | None]:
    """Return the session that a command is for, the command, and where to run it; None: in the worktree's top.

    *words* are NAME COMMAND, or COMMAND alone, which is for the session whose worktree we are in and runs where we
    are; with *maybe* it may be for none. A single word that may have been meant as a NAME is not run.
    """
    example, given = "inv session.run NAME 'npm test'", [word for word in words if word]
    if not given:
        raise SessionError(f"a command is needed: {example}")
    if len(given) == 2:
        return chosen(c, given[0])[0], given[1], None
    (line,), cwd = given, Path.cwd()
    try:
        known = every(c, here())
    except SessionError:
        if not maybe or _inside_of_repository():
            raise
        known = []
    if line in (session.name for session in known) and not maybe:
        raise SessionError(f"session {line} is given no command: {example}; to run a program called {line} give both")
    for session in known:
        if cwd.is_relative_to(session.worktree):
            return session, line, cwd
    if not maybe:
        raise SessionError(
            f"a NAME is needed outside of a session's worktree: {example}; to run the command here as it is: --maybe"
        )
    return None, line, cwd


def _inside_of_repository() -> bool:
    try:
        return bool(here())
    except SessionError:
        return False
