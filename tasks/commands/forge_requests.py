"""The pull requests of sessions in lists, where the setting `pull_requests` is on."""

from __future__ import annotations

from collections.abc import Sequence

from invoke.context import Context

from ..errors import SessionError
from ..model import Repository
from ..status import pull_requests
from ..status.session_status import Status
from ..tools import forges
from . import repositories


def is_followed(c: Context, repository: Repository) -> bool:
    """Return whether the forge of *repository* is asked; a configuration that is wrong is for other tasks to say."""
    if not forges.find_forge_kind(repository):
        return False
    try:
        return repositories.load_settings(c, repository).pull_requests
    except SessionError:
        return False


def follow_requests(c: Context, repository: Repository, statuses: Sequence[Status]) -> list[Status]:
    """Return *statuses* with the pull requests that are known, if they are followed."""
    if not (statuses and is_followed(c, repository)):
        return list(statuses)
    return pull_requests.follow_requests(repository, statuses)
