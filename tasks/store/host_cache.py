"""The sessions of the hosts at the last look: Tab offers these, without waiting for the network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..model import Repository
from ..system import files, shape

Names = dict[str, list[str]]  # by host


def read_host_names(repository: Repository) -> Names:
    """Return the names by host, as far as the file has any that are usable."""
    try:
        content = shape.read_json(_file(repository), shape.fields_form({}))
    except (OSError, shape.ShapeError):
        return {}
    lists = {host: names for host, names in content.items() if isinstance(names, list)}
    return {host: [name for name in names if isinstance(name, str)] for host, names in lists.items()}


def note_host_names(repository: Repository, answered: Mapping[str, Iterable[str]], hosts: Iterable[str]) -> None:
    """Store the names of the hosts that *answered*; forget hosts that are no longer among *hosts*."""
    now = {host: list(listed) for host, listed in answered.items()}
    _write_names(
        repository,
        {host: listed for host, listed in {**read_host_names(repository), **now}.items() if host in set(hosts)},
    )


def note_host_of_session(repository: Repository, name: str, host: str = "") -> None:
    """Store that the session *name* is on *host* now; without a host, that it is nowhere."""
    names = {each: [other for other in listed if other != name] for each, listed in read_host_names(repository).items()}
    if name and host:
        names[host] = [*names.get(host, []), name]
    _write_names(repository, names)


def _write_names(repository: Repository, names: Names) -> None:
    names = {host: listed for host, listed in names.items() if listed}
    if names == read_host_names(repository):
        return
    try:
        if names:
            _file(repository).parent.mkdir(mode=0o700, exist_ok=True)
            files.write_whole(_file(repository), json.dumps(names) + "\n", mode=0o600)
        else:
            _file(repository).unlink(missing_ok=True)
    except OSError:
        pass  # Tab offers less, which is no reason to fail


def _file(repository: Repository) -> Path:
    return repository.private / "fleet.json"
