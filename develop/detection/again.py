"""What an existing `session:` part lacks of what is found now, and adding it without touching anything else."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from invoke.util import yaml

from develop.detection import Found, settings
from develop.detection.values import Server
from tasks.config.presets import PRESETS

_load: Any = yaml.safe_load
_compose: Any = yaml.compose


class Addition(NamedTuple):
    """Something to add below `session:`: at *path*, an item of a list if *listed*; people call it *label*."""

    label: str
    path: tuple[str, ...]
    value: Any
    listed: bool = False

    @property
    def line(self) -> str:
        """What a person reads of it."""
        where = " → ".join(self.path) if len(self.path) > 2 else ".".join(self.path)  # names of files have dots
        return f"{where}: {json.dumps(self.value, ensure_ascii=False)}"


class PatchError(Exception):
    """The text has a form in which nothing can be added safely."""


def find_additions(text: str, found: Found) -> list[Addition]:
    """Return what the `session:` part in *text* lacks; without what a person wrote after `# without:`."""
    given = _section(text)
    preset = given.get("preset", "points")
    if preset not in ("points", "tally"):
        return []  # these say nothing of a repository's parts
    effective = {**PRESETS[preset], **{key: value for key, value in given.items() if value is not None}}
    unwanted = {word.strip() for line in re.findall(r"(?m)#\s*without:(.*)$", text) for word in line.split(",")}
    return [each for each in _additions(given, effective, found, preset == "points") if each.label not in unwanted]


def _section(text: str) -> dict[str, Any]:
    content = _load(text)
    section = content.get("session") if isinstance(content, dict) else None
    return section if isinstance(section, dict) else {}


def _additions(given: Mapping[str, Any], effective: Mapping[str, Any], found: Found, five: bool) -> Iterator[Addition]:
    keys: dict[str, str] = {}
    ports = settings.first_ports(found)
    windows = [each for each in effective.get("windows") or [] if isinstance(each, dict)]
    formula = "offsets" in (effective.get("ports") or {})
    for server in found.servers:
        if window := _window_of(server, windows):
            own = re.search(r"\{(\w*port)\}", str(window.get("run", "")))
            keys[server.key] = own[1] if own else ""
        elif not formula:
            yield Addition(f"window {server.name}", ("ports", server.key), ports[server.key])
            yield Addition(f"window {server.name}", ("windows",), settings.server_window(server, five), listed=True)
    yield from _files(effective, found, five)
    yield from _tables(effective, found, keys)
    if found.activate and not given.get("activate") and "activate" not in given:
        yield Addition("activate", ("activate",), found.activate)
    if found.containers.file and "compose" not in given:
        for key in found.containers.ports:
            yield Addition("compose", ("ports", key), ports[key])
        yield Addition("compose", ("compose",), {"file": found.containers.file, "profiles": []})


def _window_of(server: Server, windows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the window in which *server* runs already, whatever a person made of its command."""
    program = re.sub(r"^(\w+=\S+ )*", "", server.run).split()[:2]
    for window in windows:
        run = re.sub(r"^(\w+=\S+ )*", "", str(window.get("run", ""))).split()
        same = str(window.get("dir") or "").strip("./") == server.directory
        if same and (run[:2] == program or str(window.get("name", "")).partition(":")[0] == server.name):
            return window
    return None


def _files(effective: Mapping[str, Any], found: Found, five: bool) -> Iterator[Addition]:
    present = [str(each) for key in ("copy", "link") for each in effective.get(key) or []]
    databases = list(found.data.databases)
    copied = [*(databases if five else []), *found.data.env_files, *found.data.others]
    for key, paths in (
        ("copy", copied),
        ("link", [*(each.modules for each in found.packages), *([] if five else databases)]),
    ):
        for path in paths:
            if not any(path == each or fnmatch.fnmatch(path, each) or path.startswith(f"{each}/") for each in present):
                yield Addition(f"{key} {path}", (key,), path, listed=True)


def _tables(effective: Mapping[str, Any], found: Found, keys: Mapping[str, str]) -> Iterator[Addition]:
    for key, tables in (("env", found.env), ("databases", found.databases)):
        for file, values in tables.items():
            present = (effective.get(key) or {}).get(file) or {}
            for name, value in values.items():
                if name not in present and (new := _with_keys(value, keys)) is not None:
                    yield Addition(f"{key} {name}", (key, file, name), new)
    for name, value in found.variables.items():
        if name not in (effective.get("variables") or {}) and (new := _with_keys(value, keys)) is not None:
            yield Addition(f"variables {name}", ("variables", name), new)


def _with_keys(value: str, keys: Mapping[str, str]) -> str | None:
    """Return *value* with the names that a person gave the ports; None where they have none."""
    named = re.findall(r"\{(\w+)\}", value)
    if any(keys.get(name, name) == "" for name in named):
        return None
    return re.sub(r"\{(\w+)\}", lambda match: f"{{{keys.get(match[1], match[1])}}}", value)


def add_to_text(text: str, additions: list[Addition]) -> str:
    """Return *text* with *additions*: every character of it stays.

    Raises `PatchError` when the result would not say exactly what it said, and the additions.
    """
    expected, defaults = _load(text), PRESETS[_section(text).get("preset", "points")]
    new = text if text.endswith("\n") else f"{text}\n"
    for each in additions:
        section = _section(new)
        path, value = each.path, each.value
        if section.get(path[0]) is None:  # whoever sets a key replaces what the preset has in it
            default = defaults.get(path[0])
            value = _combined(default, path[1:], value, each.listed)
            path = path[:1]
            new = _insert(new, path, value, listed=False)
        else:
            while len(path) > 2 and _reached(section, path[:-1]) is None:
                path, value = path[:-1], {path[-1]: value}
            new = _insert(new, path, value, each.listed)
        _note(expected, path, value, each.listed and path == each.path and section.get(path[0]) is not None)
    if _load(new) != expected or any(comment not in new for comment in re.findall(r"(?m)#.*$", text)):
        raise PatchError
    return new


def _combined(default: Any, path: tuple[str, ...], value: Any, listed: bool) -> Any:
    if listed:
        return [*(default or []), value]
    for name in reversed(path[1:]):
        value = {name: value}
    if not path:
        return value
    inner = (default or {}).get(path[0])
    return {
        **(default or {}),
        path[0]: {**inner, **value} if isinstance(inner, dict) and isinstance(value, dict) else value,
    }


def _reached(section: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    reached: Any = section
    for name in path:
        reached = reached.get(name) if isinstance(reached, Mapping) else None
    return reached


def _note(content: dict[str, Any], path: tuple[str, ...], value: Any, listed: bool) -> None:
    reached = content["session"]
    for name in path if listed else path[:-1]:
        reached = reached[name]
    if listed:
        reached.append(value)
    else:
        reached[path[-1]] = value


def _insert(text: str, path: tuple[str, ...], value: Any, listed: bool) -> str:
    node = _child(_compose(text), "session")
    for name in path if listed else path[:-1]:
        node = _child(node, name)
    if node is None:
        raise PatchError
    written = json.dumps(value, ensure_ascii=False)
    item = written if listed else f"{_key(path[-1])}: {written}"
    if node.flow_style:
        at = node.end_mark.index - 1
        before = text[:at].rstrip()
        comma = "" if before.endswith(("[", "{", ",")) else ", "
        return f"{text[: len(before)]}{comma}{item}{text[len(before) :]}"
    if not node.value:
        raise PatchError
    if not listed and (at := _after_key(node, path[-1])):
        return f"{text[:at]} {written}{text[at:]}"
    last = node.value[-1] if listed else node.value[-1][1]
    at = text.find("\n", _end(last)) + 1 or len(text)
    newline = "\r\n" if text[:at].endswith("\r\n") else "\n"
    return f"{text[:at]}{' ' * node.start_mark.column}{'- ' if listed else ''}{item}{newline}{text[at:]}"


def _after_key(node: Any, name: str) -> int:
    """Return where the value of the key *name* belongs, if *node* has that key without a value; 0 otherwise."""
    named = next((key for key, _value in node.value if getattr(key, "value", None) == name), None)
    return named.end_mark.index + 1 if named is not None else 0


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else json.dumps(name)


def _child(node: Any, name: str) -> Any:
    """Return the value of the key *name* in the mapping *node*; None without one."""
    if node is None or not isinstance(node.value, list):
        return None
    return next((value for key, value in node.value if getattr(key, "value", None) == name), None)


def _end(node: Any) -> int:
    """Return where the text of *node* ends: PyYAML puts the end of a block after the comments that follow it."""
    if isinstance(node.value, list) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    return end
