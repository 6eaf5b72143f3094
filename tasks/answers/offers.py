"""What there is to choose from on Tab: sessions, windows, branches, hosts, and what else an argument can say."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .. import git
from ..model import Repository

if TYPE_CHECKING:
    from ..settings import Settings

Given = Mapping[str, str]  # argument -> what was said for it before
Values = Callable[[Repository, Given], Iterable[str]]

# bash expands what it is offered, as `$(…)`, and splits it at spaces: other tools' rows and hosts can say anything.
_PLAIN = re.compile(r"[\w@%+:,./][\w@%+:,./-]*", re.ASCII)


def of(argument: str, task: str, given: Given) -> list[str]:
    """Return what *argument* of *task*, as `session.logs`, can be where *given* was said before it."""
    collection, _, name = task.partition(".")
    kind = _KINDS.get((name, argument), argument)
    if (collection, kind) in _ELSEWHERE:
        kind = _ELSEWHERE[collection, kind]
    if kind not in _VALUES:
        return []
    return [value for value in _VALUES[kind](git.locate(Path.cwd()), given) if _PLAIN.fullmatch(value)]


def _names(repository: Repository, _given: Given) -> list[str]:
    from .. import registry

    return list(registry.rows(repository))


def _removed(repository: Repository, _given: Given) -> list[str]:
    from ..archives import archive

    return sorted({each.name for each in archive.all_of(repository)})


def _times(repository: Repository, given: Given) -> list[str]:
    from ..archives import archive

    name = given.get("name", "")
    return [each.directory.name for each in archive.all_of(repository) if name in ("", each.name)]


def _known(repository: Repository, given: Given) -> list[str]:
    return [*_names(repository, given), *_removed(repository, given)]


def _on_hosts(repository: Repository, given: Given) -> list[str]:
    from . import remembered

    known, host = remembered.names(repository), given.get("host", "")
    return sorted({name for each, names in known.items() if host in ("", each) for name in names})


def _anywhere(repository: Repository, given: Given) -> list[str]:
    return sorted({*_names(repository, given), *_on_hosts(repository, {})})


def _in_rows(find: Callable[[Mapping[str, object]], Iterable[str]]) -> Values:
    """What *find* finds in the row of the session that is named, or in those of all."""

    def values(repository: Repository, given: Given) -> list[str]:
        from .. import registry

        rows = registry.rows(repository)
        chosen = [rows[given["name"]]] if given.get("name") in rows else list(rows.values())
        return sorted({value for row in chosen for value in find(row)})

    return values


def _windows(row: Mapping[str, object]) -> list[str]:
    windows = row.get("windows", [])
    return [str(each["name"]).partition(":")[0] for each in windows] if isinstance(windows, list) else []


def _services(row: Mapping[str, object]) -> list[str]:
    compose = row.get("compose")
    return list(compose.get("services", ())) if isinstance(compose, dict) else []


def _apps(row: Mapping[str, object]) -> list[str]:
    files = row.get("env_files", [])
    return [file.rpartition("/")[0] for file in files if "/" in file] if isinstance(files, list) else []


def _branches(*kinds: str) -> Values:
    def values(repository: Repository, _given: Given) -> list[str]:
        names = git.branches(repository)
        return [name.removeprefix(kind) for kind in kinds for name in names if name.startswith(kind)]

    return values


def _configured(find: Callable[[Settings], Iterable[str]]) -> Values:
    """What *find* finds in the configuration of the project and the person; `session.config.mjs` is not run for it."""

    def values(repository: Repository, _given: Given) -> Iterable[str]:
        from invoke.config import Config

        from .. import choosing
        from ..settings import from_environment, load

        config = Config(project_location=repository.main)
        config.load_project()
        return find(load({**choosing.plain(config.get("session", {})), **from_environment(os.environ)}))

    return values


def _presets(_repository: Repository, _given: Given) -> list[str]:
    from ..presets import PRESETS

    return list(PRESETS)


_NEW = "new"  # a NAME that there is not yet
_KINDS = {
    ("add", "name"): _NEW, ("create", "name"): _NEW, ("adopt", "name"): _NEW, ("restore", "name"): "removed",
    ("permissions", "name"): "known", ("compare", "first"): "name", ("compare", "second"): "name",
    ("move", "name"): "anywhere", ("move", "host"): "place",
}  # fmt: skip
# What the rows of this machine say holds for no other.
_ELSEWHERE = {("fleet", "name"): "elsewhere", **{("fleet", kind): _NEW for kind in ("window", "service", "app")}}
_VALUES: dict[str, Values] = {
    "name": _names, "removed": _removed, "known": _known, "elsewhere": _on_hosts, "anywhere": _anywhere, "at": _times,
    "window": _in_rows(_windows), "service": _in_rows(_services), "app": _in_rows(_apps),
    "branch": _branches("refs/heads/"), "into": _branches("refs/heads/"),
    "base": _branches("refs/heads/", "refs/remotes/"), "preset": _presets,
    "mode": lambda _repository, _given: ("docker", "native"),
    "component": _configured(lambda settings: settings.components),
    "template": _configured(lambda settings: settings.work_log.get("templates", ())),
    "host": _configured(lambda settings: settings.hosts),
    "place": _configured(lambda settings: [*settings.hosts, "here"]),
}  # fmt: skip
