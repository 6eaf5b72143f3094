"""What Tab offers: loaded for `inv --complete` only."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.parser import Argument
from invoke.tasks import Task

from ..errors import SessionError
from ..model import Repository
from ..system import reading
from ..tools import git
from .invoke_extensions import SEVERAL, complete_with

if TYPE_CHECKING:
    from ..config.settings import Settings


_FLAG = "-"  # a flag that is being typed
_FILES = "prompt-file"  # where the shell offers files, if nobody else offers anything


def extend_completion() -> None:
    """Have `inv --complete` offer the values of our tasks' arguments as well, and never fail aloud."""

    def complete(**asked: Any) -> None:
        """Print what fits and end at once: unloading modules would take a seventh of all the time."""
        with contextlib.suppress(Exit):
            _offer(original, **asked)
        sys.stdout.flush()
        os._exit(0)

    original = complete_with(complete)


def _offer(
    original: Callable[..., Any], names: list[str], core: Any, initial_context: Any, collection: Collection, parser: Any
) -> None:
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            words = shlex.split(re.sub(rf"^({'|'.join(names)}) ", "", core.remainder))
        except ValueError:  # a quotation that is still open: text of the person's own
            raise Exit from None
        name, words_after = _current(words, collection)
        offers, complete = _offers(name, collection, words_after) if name else ([], False)
        if offers:
            print("\n".join(dict.fromkeys(offers)))
        if complete:
            raise Exit
        original(names, core, initial_context, collection, parser)


def _current(words: list[str], collection: Collection) -> tuple[str, list[str]]:
    """Return the last task that is named in *words*, and the words after it."""
    names_of_tasks = {name for names in collection.task_names.items() for name in (names[0], *names[1])}
    for index in range(len(words) - 1, -1, -1):
        if words[index] in names_of_tasks and words[index].startswith(("session.", "fleet.", "embed")):
            return words[index], words[index + 1 :]
    return "", []


def _offers(name: str, collection: Collection, words: list[str]) -> tuple[list[str], bool]:
    """Return what can stand for the last word, or after it, and whether Invoke has nothing to add to that."""
    task = collection[name]
    position = _find_position(task, words, name.startswith("session.") and f"session.{task.name}" in SEVERAL)
    if position.argument == _FLAG:
        return [], False
    last = words[-1] if words else ""
    own = _values(position.argument, name, position.values) if position.argument else []
    own = [value for value in own if value == last or value not in position.names]
    first, comma, _rest = last.rpartition(",")
    if comma and position.names:  # several names in one word
        return [f"{first},{value}" for value in own if value not in first.split(",")], True
    if position.prefix:  # of --window=backend bash 3 completes what is after the sign, and the others all of it
        return [*(position.prefix + value for value in own), *own], True
    if position.begins or (own and last not in own):
        return own, True
    if position.argument == _FILES and not os.path.isfile(os.path.expanduser(last)):
        return [], True
    following = _values(position.following, name, position.values) if position.following else []
    following = [value for value in following if value not in position.names]
    if following and not words:  # the word may be a task's name that is not complete
        tasks = [each for each in collection.task_names if each.startswith(name)]
        following += tasks if len(tasks) > 1 else []
    more = bool(following or (position.argument and not own))  # else another task may follow
    return [*(value for value in own if value.startswith(last)), *following], more


def _values(argument: str, task: str, values: dict[str, str]) -> list[str]:
    try:
        return offer_values(argument, task, values)
    except (SessionError, OSError):
        return []


class _Position:
    """What the last word is for: an *argument*, whose value *begins* after it, or is in it after a *prefix*.

    *following* is the argument that the next word would be for; *values* has those of the words before.
    """

    def __init__(self) -> None:
        self.argument, self.prefix, self.begins, self.following = "", "", False, ""
        self.values: dict[str, str] = {}
        self.names: list[str] = []  # of a task that takes several


def _find_position(task: Task[Any], words: Sequence[str], several: bool) -> _Position:
    flags, places, position = _flags(task), list(task.positional), _Position()
    for word in words:
        flag, equals, value = word.partition("=")
        position.prefix = ""
        if position.begins and word == "=":  # bash splits --window=backend into three words
            continue
        if position.begins:
            position.begins, position.values[position.argument] = False, word
        elif word in flags:
            position.begins = flags[word].takes_value
            position.argument = str(flags[word].name) if position.begins else ""
        elif equals and flag in flags:
            position.argument, position.prefix = str(flags[flag].name), f"{flag}="
            position.values[position.argument] = value
        elif word.startswith(_FLAG):
            position.argument = _FLAG
        else:
            position.argument = places.pop(0) if places else "name" * several
            position.values[position.argument] = word
            position.names += [word] * several
        places = [each for each in places if each not in position.values]
    position.following = places[0] if places else "name" * several
    return position


def _flags(task: Task[Any]) -> dict[str, Argument]:
    pairs = ((name, argument) for argument in task.get_arguments() for name in argument.names)
    return {("--" if len(name) > 1 else "-") + name: argument for name, argument in pairs}


Given = Mapping[str, str]  # argument -> what was said for it before
Values = Callable[[Repository, Given], Iterable[str]]


# bash expands what it is offered, as `$(…)`, and splits it at spaces: other tools' rows and hosts can say anything.
_PLAIN = re.compile(r"[\w@%+:,./][\w@%+:,./-]*", re.ASCII)


def offer_values(argument: str, task: str, others: Given) -> list[str]:
    """Return what *argument* of *task*, as `session.logs`, can be after the values of *others*."""
    collection, _, name = task.partition(".")
    kind = _KINDS.get((name, argument), argument)
    if (collection, kind) in _ELSEWHERE:
        kind = _ELSEWHERE[collection, kind]
    if kind not in _VALUES:
        return []
    return [value for value in _VALUES[kind](git.find_repository(Path.cwd()), others) if _PLAIN.fullmatch(value)]


def _rows(repository: Repository) -> dict[str, Any]:
    """Return the rows of the registry; none where it cannot be read, which every task says."""
    try:
        rows = json.loads(reading.read_text(repository.main / ".tally-sessions"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {name: row for name, row in rows.items() if isinstance(row, dict)} if isinstance(rows, dict) else {}


def _names(repository: Repository, _others: Given) -> list[str]:
    return list(_rows(repository))


def _removed(repository: Repository, _others: Given) -> list[str]:
    from ..store import archive

    return sorted({each.name for each in archive.list_archives(repository)})


def _times(repository: Repository, others: Given) -> list[str]:
    from ..store import archive

    name = others.get("name", "")
    return [each.directory.name for each in archive.list_archives(repository) if name in ("", each.name)]


def _known(repository: Repository, others: Given) -> list[str]:
    return [*_names(repository, others), *_removed(repository, others)]


def _on_hosts(repository: Repository, given: Given) -> list[str]:
    from ..store import host_cache

    known, host = host_cache.read_host_names(repository), given.get("host", "")
    return sorted({name for each, names in known.items() if host in ("", each) for name in names})


def _anywhere(repository: Repository, others: Given) -> list[str]:
    return sorted({*_names(repository, others), *_on_hosts(repository, {})})


def _in_rows(find: Callable[[Mapping[str, object]], Iterable[str]]) -> Values:
    """What *find* finds in the row of the session that is named, or in those of all."""

    def values(repository: Repository, given: Given) -> list[str]:
        rows = _rows(repository)
        picked_rows = [rows[given["name"]]] if given.get("name") in rows else list(rows.values())
        return sorted({value for row in picked_rows for value in find(row)})

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
        names = git.list_branches(repository)
        return [name.removeprefix(kind) for kind in kinds for name in names if name.startswith(kind)]

    return values


def _configured(find: Callable[[Settings], Iterable[str]]) -> Values:
    """What *find* finds in the configuration of the project and the person."""

    def values(repository: Repository, _given: Given) -> Iterable[str]:
        from invoke.config import Config

        from ..config.settings import parse_settings, settings_from_environment
        from ..store import configuration

        config = Config(project_location=repository.main)
        config.load_project()
        return find(
            parse_settings(
                {**configuration.plain_tables(config.get("session", {})), **settings_from_environment(os.environ)}
            )
        )

    return values


def _presets(_repository: Repository, _others: Given) -> list[str]:
    from ..config.presets import PRESETS

    return list(PRESETS)


def _orders(_repository: Repository, _others: Given) -> tuple[str, ...]:
    from ..views.chosen_columns import ORDERS

    return ORDERS


_NEW = "new"  # a NAME that there is not yet
_KINDS = {
    ("add", "name"): _NEW, ("create", "name"): _NEW, ("adopt", "name"): _NEW, ("restore", "name"): "removed",
    ("permissions", "name"): "known", ("prune", "name"): "removed",
    ("watch", "host"): _NEW, ("rename", "old"): "name", ("rename", "new"): _NEW,
    ("compare", "first"): "name", ("compare", "second"): "name",
    ("move", "name"): "anywhere", ("move", "host"): "place",
}  # fmt: skip
# What the rows of this machine say holds for no other.
_ELSEWHERE = {("fleet", "name"): "elsewhere", **{("fleet", kind): _NEW for kind in ("window", "service", "app")}}
_VALUES: dict[str, Values] = {
    "name": _names, "removed": _removed, "known": _known, "elsewhere": _on_hosts, "anywhere": _anywhere, "at": _times,
    "window": _in_rows(_windows), "service": _in_rows(_services), "app": _in_rows(_apps),
    "branch": _branches("refs/heads/"), "into": _branches("refs/heads/"),
    "base": _branches("refs/heads/", "refs/remotes/"), "preset": _presets,
    "sort": _orders,
    "mode": lambda _repository, _given: ("docker", "native"),
    "component": _configured(lambda settings: settings.components),
    "template": _configured(lambda settings: settings.work_log.get("templates", ())),
    "host": _configured(lambda settings: settings.hosts),
    "place": _configured(lambda settings: [*settings.hosts, "here"]),
}  # fmt: skip
