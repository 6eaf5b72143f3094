"""The pull request of each session and its checks, as the forge said last; it is asked in the background."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model import Repository, Session
from ..store import request_cache
from ..store.request_cache import Cached, PullRequest
from ..system import shell
from ..tools import forge_survey, forges

if TYPE_CHECKING:
    from .session_status import Status

_INTERVAL = 60.0  # seconds between two questions
_AFTER_FAILURE = 600.0  # the same after one that failed, as without a login
_MOST = 50  # branches that are asked for at once
_QUIET = {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1", "GLAB_CHECK_UPDATE": "false"}


def renew_requests(repository: Repository, sessions: Sequence[Session], kind: str) -> None:
    """Have the forge *kind* asked for the pull requests of *sessions*, if that is due; nobody waits for it."""
    cached, now = request_cache.read_requests(repository), time.time()
    if not sessions or not _is_due(cached, now):
        return
    try:
        request_cache.note_begin(repository, cached, now)
    except OSError:  # a full disk: the answer could not be noted either
        return
    branches = [session.branch for session in sessions][:_MOST]
    place = str(repository.requests_file)
    argv = [sys.executable, "-I", str(Path(forge_survey.__file__)), kind, place, *branches]
    null = subprocess.DEVNULL
    subprocess.Popen(
        argv, cwd=repository.main, env={**shell.clean_environment(), **_QUIET}, stdin=null, stdout=null, stderr=null,
        start_new_session=True,
    )  # fmt: skip


def _is_due(cached: Cached, now: float) -> bool:
    has_failed = cached.failed > cached.asked and now - cached.failed < _AFTER_FAILURE
    return not has_failed and not 0 <= now - cached.began < _INTERVAL


def follow_requests(repository: Repository, statuses: Sequence[Status]) -> list[Status]:
    """Return *statuses* with the pull requests that are known, and have the forge asked for the next time."""
    if not (kind := forges.find_forge_kind(repository)):
        return list(statuses)
    renew_requests(repository, [each.session for each in statuses], kind)
    cached = request_cache.read_requests(repository)
    return [each._replace(request=find_request(each, cached)) for each in statuses]


def read_followed(repositories: Sequence[Repository], sessions: Sequence[Session]) -> dict[Path, Cached]:
    """Return by main checkout what is known of the *repositories* of *sessions*; have it renewed if that is due."""
    known = {}
    for repository in repositories:
        those = [each for each in sessions if each.repository == repository]
        if those and (kind := forges.find_forge_kind(repository)):
            renew_requests(repository, those, kind)
            known[repository.main] = request_cache.read_requests(repository)
    return known


def find_request(status: Status, cached: Cached) -> PullRequest | None:
    """Return the pull request of the session's branch: one that is open, else the last one, if it is about its work.

    A branch of the same name in a fork, or before, is somebody else's, or another piece of work: then the last commit
    must be the same.
    """
    head = status.work.head if status.work else ""
    found = [
        each
        for each in cached.requests.get(status.session.branch, ())
        if each.head == head or (each.state == "open" and not each.foreign)
    ]
    return max(found, key=lambda each: (each.state == "open", each.number), default=None)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at).astimezone()


def request_record(request: PullRequest) -> dict[str, Any]:
    """Return it as `list --json` shows it."""
    facts = request._asdict()
    return {**facts, "asked": _moment(request.asked).isoformat(timespec="seconds")}
