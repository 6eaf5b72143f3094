"""The repositories of this machine that have sessions, and what is done in one of them from another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.config import Config
from invoke.context import Context

from ..errors import SessionError
from ..model import Repository, Session
from ..store import ports, registry
from ..store import rows as store_rows
from ..system import progress
from ..tools import git
from . import selection

if TYPE_CHECKING:
    from ..config.settings import Settings


def list_repositories() -> list[Repository]:
    """Return the repositories with sessions: first the one that we are in, then the others by their path.

    One whose directory is gone, or on a disk that isn't mounted, is left out.
    """
    current = git.current_repository()
    others = []
    for file in sorted(ports.list_registries()):
        main = Path(file).parent
        if main == current.main or not Path(file).is_file():
            continue
        try:
            others.append(git.find_repository(main))
        except (SessionError, OSError) as error:
            progress.notice(f"Left out {main}: {error}")
    return [current, *(each for each in others if each != current)]


def load_settings(c: Context, repository: Repository) -> Settings:
    """Return the settings of *repository*: of another one than ours, those of its own file and of the environment."""
    from ..store import configuration

    if repository != git.current_repository():
        c = Context(_read_project(repository))
    return configuration.load_settings(c)


def _read_project(repository: Repository) -> Config:
    """Return the configuration of another repository, without an invoke.py: nothing of it may run."""
    config = Config(project_location=repository.main)
    config._set(_file_suffixes=("yaml", "yml", "json"))
    try:
        config.load_project()
    except Exception as error:  # whatever Invoke does with what it can't use
        raise SessionError(
            f"The configuration of {repository.main} can't be read: {error}\nCheck its invoke.yaml."
        ) from None
    return config


def list_sessions(c: Context, repository: Repository) -> list[Session]:
    """Return the sessions of *repository*, which need not be the one that we are in, by name.

    Nothing of another repository runs for that; rows of older tools are completed by its own configuration.
    """
    if repository == git.current_repository():
        return selection.list_sessions(c, repository)
    rows = registry.read_registry(repository)

    def complete(*row: Any) -> Session:
        from ..plan import contents

        return contents.complete_row(load_settings(c, repository), *row)

    names = sorted(rows, key=selection.natural_order)
    return [store_rows.session_from_row(name, rows[name], repository, complete) for name in names]
