"""What a task is about: the repository we are in, its settings, the session that NAME means."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from invoke.context import Context

from . import git, records, registry
from .errors import SessionError
from .model import Repository, Session
from .settings import Settings, from_environment, load


def here() -> Repository:
    """Return the repository that we are in."""
    try:
        start = Path.cwd()
    except FileNotFoundError:
        raise SessionError("the current directory was deleted; go to the main checkout: cd") from None
    return git.locate(start)


def settings(c: Context) -> Settings:
    """Return the configured settings."""
    configured = c.config.get("session", {})
    if not hasattr(configured, "items"):
        raise SessionError(f"session: expected a table of settings, found {configured!r}")
    return load({**_plain(configured), **from_environment(os.environ)})


def _plain(value: Any) -> Any:
    return {key: _plain(item) for key, item in value.items()} if hasattr(value, "items") else value


def every(c: Context, repository: Repository) -> list[Session]:
    """Return the sessions in the registry, by name."""
    rows = registry.rows(repository)
    return [records.session(name, rows[name], repository, lambda: settings(c)) for name in sorted(rows)]


def chosen(c: Context, name: str, all: bool = False) -> list[Session]:
    """Return the session NAME, or that of the worktree we are in, or all of them."""
    repository = here()
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
