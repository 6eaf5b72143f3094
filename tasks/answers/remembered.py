"""Which sessions the hosts had when they were last asked: Tab offers these, and waits for no network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..machine import atomic
from ..model import Repository

Names = dict[str, list[str]]  # by host


def names(repository: Repository) -> Names:
    """Return the names by host; none where nobody asked, or the file is not ours."""
    try:
        found = json.loads(_file(repository).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {host: [each for each in listed if isinstance(each, str)]
            for host, listed in found.items() if isinstance(listed, list)}  # fmt: skip


def note(repository: Repository, answered: Mapping[str, Iterable[str]], hosts: Iterable[str]) -> None:
    """Remember what the hosts that *answered* have; one that is not among all the *hosts* any more is forgotten."""
    now = {host: list(listed) for host, listed in answered.items()}
    _keep(repository, {host: listed for host, listed in {**names(repository), **now}.items() if host in set(hosts)})


def moved(repository: Repository, name: str, host: str = "") -> None:
    """Remember that the session *name* is on *host* now; without one on none."""
    known = {each: [other for other in listed if other != name] for each, listed in names(repository).items()}
    if name and host:
        known[host] = [*known.get(host, []), name]
    _keep(repository, known)


def _keep(repository: Repository, known: Names) -> None:
    known = {host: listed for host, listed in known.items() if listed}
    if known == names(repository):
        return
    try:
        if known:
            _file(repository).parent.mkdir(mode=0o700, exist_ok=True)
            atomic.write(_file(repository), json.dumps(known) + "\n", mode=0o600)
        else:
            _file(repository).unlink(missing_ok=True)
    except OSError:
        pass  # no task fails because Tab will know less


def _file(repository: Repository) -> Path:
    return repository.private / "fleet.json"
