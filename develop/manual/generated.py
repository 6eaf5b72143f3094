"""The parts of the documentation that are made from the code."""

from __future__ import annotations

import inspect
import math
from typing import Any

from invoke.parser import Argument
from invoke.tasks import Task
from invoke.util import yaml  # the YAML library that Invoke uses

from tasks import fleet
from tasks.collection import ns
from tasks.config.descriptions import DESCRIPTIONS
from tasks.config.presets import PRESETS

_dump: Any = yaml.safe_dump
_LONGEST = 24  # a default with more characters is shown with the preset instead
_LEFT_OUT = {"claude": "note", "work_log": "templates"}  # their values have many lines
_VALUES = {"days": "DAYS", "lines": "N", "commits": "N", "interval": "SECONDS", "run": "COMMAND", "prompt": "TEXT"}
_VALUES |= {"prompt_file": "FILE", "prompt-file": "FILE", "eta": "WHEN", "without": "SERVICES", "at": "TIME"}
_VALUES |= {"from_": "NAME", "from-": "NAME", "into": "BRANCH", "base": "REF", "title": "TEXT", "body": "TEXT"}


def keys_table() -> str:
    """Return a table of keys for each topic, with their defaults."""
    return "\n\n".join(f"### {about}\n\n{_keys(described)}" for about, described in DESCRIPTIONS.items())


def presets_part() -> str:
    """Return all keys of the default preset, and the keys in which the others differ."""
    return "\n\n".join(f"### {name}\n\n```yaml\n{_preset(name)}```" for name in PRESETS)


def tasks_table(collection: str) -> str:
    """Return the help of each task in *collection*."""
    found: dict[str, Task[Any]] = ns.collections[collection].tasks
    return "\n\n".join(_task(f"{collection}.{name}", found[name]) for name in sorted(found))


def generated_part(what: str) -> str:
    """Return the part called *what*: `keys`, `presets` or `tasks COLLECTION`."""
    name, _, rest = what.partition(" ")
    return tasks_table(rest) if name == "tasks" else {"keys": keys_table, "presets": presets_part}[name]()


def _keys(described: dict[str, str]) -> str:
    rows = [f"| `{key}` | {_cell(text)} | {_default(key)} |" for key, text in described.items()]
    return "\n".join(["| key | meaning | default |", "|---|---|---|", *rows])


def _default(key: str) -> str:
    if key == "preset":
        return "`points`"
    if key not in PRESETS["points"]:
        return "automatic"
    shown = _flow(PRESETS["points"][key])
    return f"`{_cell(shown)}`" if len(shown) <= _LONGEST else "[see `points`](#points)"


def _preset(name: str) -> str:
    """Return the settings of the preset *name* that differ from the default's, as YAML."""
    lines = ["session:", f"  preset: {name}"]
    for key, value in PRESETS[name].items():
        if name == "points" or value != PRESETS["points"][key]:
            lines += [f"  {key}: {_flow(_brief(key, value))}"] if not _rows(value) else _listed(key, value)
    return "".join(f"{line}\n" for line in lines)


def _brief(key: str, value: object) -> object:
    omitted = _LEFT_OUT.get(key)
    return {name: each for name, each in value.items() if name != omitted} if isinstance(value, dict) else value


def _listed(key: str, rows: list[object]) -> list[str]:
    return [f"  {key}:", *(f"    - {_flow(row)}" for row in rows)]


def _rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _flow(value: object) -> str:
    """Return *value* on one line of YAML."""
    text: str = _dump(value, default_flow_style=True, width=math.inf, sort_keys=False)
    return text.removesuffix("...\n").strip()


def _task(name: str, task: Task[Any]) -> str:
    lines = [line.strip() for line in str(task.__doc__).strip().splitlines()]
    said, _, example = " ".join(line for line in lines if line).partition("Example: ")
    arguments = task.get_arguments()
    over = _passed_on(name)
    optional = {each.name for each in inspect.signature(task.body).parameters.values() if each.default == ""}
    if over and name != "fleet.add":  # it can't guess the session, so NAME is required
        optional.clear()
    words = [_positional(each, optional) for each in arguments if each.positional]
    also = f" Also called {', '.join(f'`{alias}`' for alias in task.aliases)}." if task.aliases else ""
    options = _with_the_same_options(over, arguments) if over else _options(arguments)
    head = [f"### `{' '.join([name, *words])}`", f"{said.strip()}{also}", f"```sh\n{example}\n```"]
    return "\n\n".join([*head, *([options] if options else [])])


def _options(arguments: list[Argument]) -> str:
    rows = [f"| `{_flag(each)}`{_short(each)} | {_cell(each.help or '')} |" for each in arguments]
    return "\n".join(["| option | what it says |", "|---|---|", *rows]) if rows else ""


def _passed_on(name: str) -> Task[Any] | None:
    """Return the task of `session` that the fleet task *name* runs on a host, or None."""
    collection, _, short = name.partition(".")
    found = ns.collections["session"].tasks
    return found[short] if collection == "fleet" and short in fleet.generated_tasks() else None


def _with_the_same_options(over: Task[Any], arguments: list[Argument]) -> str:
    names = {each.name for each in arguments}
    without = [f", but not `{_flag(each)}`" for each in over.get_arguments() if each.name not in names]
    (host,) = (each for each in arguments if each.name == "host")
    return f"The options are the same{''.join(without)}, and `{_flag(host)}`: {host.help}."


def _positional(argument: Argument, optional: set[str]) -> str:
    return f"[{_upper(argument)}]" if argument.name in optional else _upper(argument)


def _upper(argument: Argument) -> str:
    return str(argument.name).upper().replace("-", "_")


def _flag(argument: Argument) -> str:
    if argument.positional:
        return _upper(argument)
    value = "" if argument.kind is bool else f" {_VALUES.get(str(argument.name), _upper(argument))}"
    return f"--{str(argument.name).rstrip('_').replace('_', '-')}{value}"  # a word of Python's has one at its end


def _short(argument: Argument) -> str:
    return "".join(f", `-{name}`" for name in argument.names if len(name) == 1)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
