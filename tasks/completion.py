"""What Tab offers beyond Invoke's tasks and flags: sessions, windows, hosts, presets.

Invoke's own scripts for bash, zsh and fish ask `inv --complete`; they drop an empty last word, so that the word after
a complete task's name and that name itself look the same: both are offered, and the shell keeps what fits.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import invoke.program
from invoke.collection import Collection
from invoke.config import Config
from invoke.exceptions import Exit
from invoke.tasks import Task

from .errors import SessionError

if TYPE_CHECKING:
    from .model import Repository

_original: Callable[..., Any] = getattr(invoke.program, "complete")  # noqa: B009


def extend() -> None:
    """Have `inv --complete` offer the values of our tasks' arguments as well."""
    setattr(invoke.program, "complete", _complete)


def _complete(names: list[str], core: Any, initial_context: Any, collection: Collection, parser: Any) -> Any:
    words = shlex.split(re.sub(rf"^({'|'.join(names)}) ", "", core.remainder))
    task, given = _current(words, collection)
    if task is not None and (found := list(_values(task, given, words))):
        print("\n".join(found))
        if words[-1] not in found[1:]:  # else it may be complete, and another task may follow
            raise Exit
    return _original(names, core, initial_context, collection, parser)


def _current(words: list[str], collection: Collection) -> tuple[Task[Any] | None, list[str]]:
    """Return the last task that is named in *words*, and the words after it."""
    known = {name for names in collection.task_names.items() for name in (names[0], *names[1])}
    for index in range(len(words) - 1, -1, -1):
        if words[index] in known and words[index].startswith(("session.", "fleet.", "embed")):
            return collection[words[index]], words[index + 1 :]
    return None, []


def _values(task: Task[Any], given: list[str], words: list[str]) -> Iterable[str]:
    """Yield what can stand in the place of the last word."""
    arguments = {f"--{str(argument.name).replace('_', '-')}": argument for argument in task.get_arguments()}
    for flag in given[-2:][::-1]:  # the flag itself, or the flag before what is being typed
        if flag in arguments and arguments[flag].takes_value:
            return _of(str(arguments[flag].name), given)
    places = [name for name in task.positional if name in ("name", "first", "second")]
    if len(given) > len(places) or (given and given[-1].startswith("-")) or not places:
        return ()
    kind = "removed" if task.name == "restore" else "name"
    return [*([words[-1]] if not given else []), *_of(kind, given)]


def _of(argument: str, given: list[str]) -> list[str]:
    from . import choosing  # here and below: most completions are of tasks and flags, and import none of it

    try:
        return _PROVIDERS[argument](choosing.here(), given) if argument in _PROVIDERS else []
    except (SessionError, OSError):
        return []


def _names(repository: Repository, _given: list[str]) -> list[str]:
    from . import registry

    return list(registry.rows(repository))


def _removed(repository: Repository, _given: list[str]) -> list[str]:
    from .archives import archive

    return sorted({each.name for each in archive.all_of(repository)})


def _windows(repository: Repository, given: list[str]) -> list[str]:
    from . import registry

    rows = registry.rows(repository)
    chosen = [rows[name] for name in given if name in rows] or list(rows.values())
    return sorted({window["name"].partition(":")[0] for row in chosen for window in row.get("windows", ())})


def _apps(repository: Repository, given: list[str]) -> list[str]:
    from . import registry

    rows = registry.rows(repository)
    chosen = [rows[name] for name in given if name in rows] or list(rows.values())
    return sorted({file.rpartition("/")[0] for row in chosen for file in row.get("env_files", ()) if "/" in file})


def _services(repository: Repository, given: list[str]) -> list[str]:
    from . import registry

    rows = registry.rows(repository)
    chosen = [rows[name] for name in given if name in rows] or list(rows.values())
    return sorted({name for row in chosen for name in row.get("compose", {}).get("services", ())})


def _configured(key: str) -> Callable[[Repository, list[str]], list[str]]:
    def names(repository: Repository, _given: list[str]) -> list[str]:
        config = Config(project_location=repository.main)
        config.load_project()
        return list(config.get("session", {}).get(key, {}))

    return names


def _presets(_repository: Repository, _given: list[str]) -> list[str]:
    from .presets import PRESETS

    return list(PRESETS)


def _fixed(*values: str) -> Callable[[Repository, list[str]], list[str]]:
    return lambda _repository, _given: list(values)


_PROVIDERS: dict[str, Callable[[Repository, list[str]], list[str]]] = {
    "name": _names, "removed": _removed, "window": _windows, "service": _services, "host": _configured("hosts"),
    "component": _configured("components"), "preset": _presets, "mode": _fixed("docker", "native"),
    "template": _fixed("feature", "fix"), "app": _apps,
}  # fmt: skip
