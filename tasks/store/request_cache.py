"""The pull requests of branches at the last look: each list shows these, and waits for no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import SessionError
from ..model import Repository
from ..system import files, shape

_FORM = shape.fields_form({}, {"asked": shape.NUMBER, "began": shape.NUMBER, "failed": shape.NUMBER})
_REQUEST = shape.fields_form({
    "number": shape.COUNT, "draft": shape.SWITCH, "foreign": shape.SWITCH,
    **dict.fromkeys(("url", "state", "review", "checks", "head"), shape.TEXT),
})  # fmt: skip


class PullRequest(NamedTuple):
    """A pull request of a branch, as it was when it was *asked* for, in seconds since 1970."""

    number: int
    url: str
    state: str  # open, merged or closed
    draft: bool
    review: str  # approved, changes requested, review required; empty where none is asked for
    checks: str  # passed, failed, running; empty without any
    head: str  # its last commit
    foreign: bool  # whether its branch is in a fork
    asked: float = 0.0


class Cached(NamedTuple):
    """What was asked: when that *began*, when it was answered and when it *failed*; the requests by branch."""

    asked: float = 0.0
    began: float = 0.0
    failed: float = 0.0
    failure: str = ""
    requests: Mapping[str, list[PullRequest]] = {}


def read_requests(repository: Repository) -> Cached:
    """Return what is known, as far as the file says anything usable."""
    try:
        content = shape.read_json(repository.requests_file, _FORM)
    except (OSError, SessionError):
        return Cached()
    asked = float(content.get("asked", 0))
    listed = content.get("requests")
    requests = {
        branch: [_request(each, asked) for each in found if shape.fits(each, _REQUEST)]
        for branch, found in (listed if isinstance(listed, dict) else {}).items()
        if isinstance(found, list)
    }
    failure = content.get("failure", "")
    began, failed = (float(content.get(key, 0)) for key in ("began", "failed"))
    return Cached(asked, began, failed, failure if isinstance(failure, str) else "", requests)


def _request(found: dict[str, Any], asked: float) -> PullRequest:
    return PullRequest(**{key: found[key] for key in PullRequest._fields[:-1]}, asked=asked)


def note_begin(repository: Repository, cached: Cached, at: float) -> None:
    """Note that an answer is waited for since *at*, so that nobody else asks."""
    requests = {branch: [each._asdict() for each in found] for branch, found in cached.requests.items()}
    content = {**cached._asdict(), "began": at, "requests": requests}
    repository.private.mkdir(mode=0o700, exist_ok=True)
    files.write_cache(repository.requests_file, json.dumps(content) + "\n")


def expire_requests(repository: Repository) -> None:
    """Have the forge asked again by the next list: something has just changed there."""
    if (cached := read_requests(repository)) != Cached():
        note_begin(repository, cached._replace(failed=0.0), 0.0)
