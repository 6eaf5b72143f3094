"""The parts of the documentation that are made from the code and the README."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

from invoke.parser import Argument
from invoke.tasks import Task

from develop.manual.keys import DESCRIPTIONS
from tasks import ns
from tasks.config.keys import CHECKS
from tasks.presets import PRESETS

_README = Path(__file__).resolve().parents[2] / "README.md"
_LONG = {"claude": "note", "work_log": "templates"}  # what these hold is text of many lines


def keys() -> str:
    """Return the table of all keys, with what each is by default."""
    rows = [f"| `{key}` | {_cell(DESCRIPTIONS[key])} | {_default('points', key)} |" for key in CHECKS]
    return "\n".join(["| key | what it says | default, `points` |", "|---|---|---|", *rows])


def presets() -> str:
    """Return for each other preset the keys that differ from `points`."""
    return "\n\n".join(_preset(name) for name in PRESETS if name != "points")


def tasks(collection: str) -> str:
    """Return what `inv --help` says of each task in *collection*."""
    found: dict[str, Task[Any]] = ns.collections[collection].tasks
    return "\n\n".join(_task(f"{collection}.{name}", found[name]) for name in sorted(found))


def readme(heading: str) -> str:
    """Return what the README says below *heading*, up to the next of its rank."""
    rank, title = re.match(r"(#+) (.*)", heading).groups()  # type: ignore[union-attr]
    text = _README.read_text(encoding="utf-8")
    found = re.search(rf"^{rank} {re.escape(title)}\n(.*?)(?=^#{{1,{len(rank)}}} |\Z)", text, re.M | re.S)
    if found is None:
        raise ValueError(f"README.md has no {heading!r}")
    return found[1].strip()


def part(what: str) -> str:
    """Return the part called *what*: `keys`, `presets`, `tasks COLLECTION` or `README HEADING`."""
    name, _, rest = what.partition(" ")
    if name in ("tasks", "README"):
        return tasks(rest) if name == "tasks" else readme(rest)
    return {"keys": keys, "presets": presets}[name]()


def _preset(name: str) -> str:
    settings = {"preset": name} | {
        key: value for key, value in PRESETS[name].items() if value != PRESETS["points"][key]
    }
    rows = [f"| `{key}` | {_default(name, key)} |" for key in settings if key != "preset"]
    return "\n".join([f"### `{name}`", "", "| key | value |", "|---|---|", *rows])


def _default(preset: str, key: str) -> str:
    if key == "preset":
        return "`points`"
    if key not in PRESETS[preset]:
        return "found out"
    value = PRESETS[preset][key]
    if key in _LONG and isinstance(value, dict):
        value = {name: "…" if name == _LONG[key] else each for name, each in value.items()}
    return "<br>".join(f"`{_cell(json.dumps(each, ensure_ascii=False))}`" for each in _lines(value))


def _lines(value: object) -> list[object]:
    return value if isinstance(value, list) and len(value) > 1 and isinstance(value[0], dict) else [value]


def _task(name: str, task: Task[Any]) -> str:
    lines = [line.strip() for line in str(task.__doc__).strip().splitlines()]
    said, _, example = " ".join(line for line in lines if line).partition("Example: ")
    arguments = task.get_arguments()
    optional = {each.name for each in inspect.signature(task.body).parameters.values() if each.default == ""}
    words = [_positional(each, optional) for each in arguments if each.positional]
    also = f" Also called {', '.join(f'`{alias}`' for alias in task.aliases)}." if task.aliases else ""
    head = [
        f"### `{' '.join([name, *words])}`",
        "",
        f"{said.strip()}{also}",
        "",
        f"    inv {example.removeprefix('inv ')}",
    ]
    rows = [f"| `{_flag(each)}` | {_cell(each.help or '')} |" for each in arguments]
    return "\n".join([*head, *(["", "| option | what it says |", "|---|---|", *rows] if rows else [])])


def _positional(argument: Argument, optional: set[str]) -> str:
    return f"[{_upper(argument)}]" if argument.name in optional else _upper(argument)


def _upper(argument: Argument) -> str:
    return str(argument.name).upper().replace("-", "_")


def _flag(argument: Argument) -> str:
    if argument.positional:
        return _upper(argument)
    value = {bool: "", int: " NUMBER", float: " NUMBER"}.get(argument.kind, " TEXT")
    return f"--{str(argument.name).replace('_', '-')}{value}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
