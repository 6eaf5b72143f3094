"""`session.config.mjs`: a project's configuration of the dev-session tool, read through node and made ours.

It is a program, as `tasks.py` is, and runs when it is read: once, and only where no `session:` is configured.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import shell
from ..errors import CommandError, SessionError
from ..model import Repository
from ..narration import notice
from ..presets import PRESETS
from .checks import filled, inside, port, port_key, scalar, variable
from .keys import count
from .shapes import items, table

_NAMES = ("session.config.mjs", "session.config.js")
_SECONDS = 20
# What the file prints itself goes to stderr, so that stdout is the answer.
_PROGRAM = """
const { pathToFileURL } = require("node:url");
const say = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);
const end = (answer) => say(JSON.stringify(answer), () => process.exit(0));
const [file, seconds] = process.argv.slice(1);
setTimeout(() => end({ error: `it did not end within ${seconds} seconds` }), seconds * 1000).unref();
import(pathToFileURL(file))
  .then(async (module) => end({ value: await module.default }))
  .catch((error) => {
    const [, line] = String(error && error.stack).match(/session\\.config\\.m?js:(\\d+)/) || [];
    end({ error: String(error), line, syntax: error instanceof SyntaxError });
  });
"""
_DATABASE = "postgresql://postgres:postgres@localhost:{POSTGRES_PORT}/postgres"

_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "projectName": filled, "portBase": port, "sessionsDir": filled, "ports": table(port_key, count),
    "appEnv": table(inside, table(variable, scalar)), "apps": items(filled), "envFiles": items(inside),
    "setup": items(filled),
}  # fmt: skip
_read: dict[Path, dict[str, Any]] = {}


def path(repository: Repository) -> Path | None:
    """Return where the project has such a file; None without one."""
    return next((file for name in _NAMES if (file := repository.main / name).is_file()), None)


def settings(file: Path) -> dict[str, Any]:
    """Return what *file* says, as `session:` would say it; the file runs once, however often it is asked.

    Raises `SessionError` in one line when there is no node, or naming what is wrong in the file.
    """
    if file not in _read:
        _read[file] = _mapped(_checked(_value(file), file), file)
    return _read[file]


def known(file: Path) -> dict[str, Any]:
    """Return what `settings` read from *file* already; nothing unless it was asked."""
    return _read.get(file, {})


def _value(file: Path) -> Any:
    if shutil.which("node") is None:
        raise SessionError(f"{file} needs node, which is not on PATH; install Node.js, or configure `session:` instead")
    said = shell.read("node", "--eval", _PROGRAM, "--", str(file), str(_SECONDS), cwd=file.parent, check=False)
    try:
        found = json.loads(said)
    except ValueError:
        raise SessionError(f"{file}: node ended without an answer; to see why: node {file}") from None
    if "error" in found:
        line = found.get("line") or (_line_of_syntax(file) if found.get("syntax") else "")
        raise SessionError(f"{file}{f':{line}' if line else ''}: {found['error'].splitlines()[0]}")
    return found.get("value")


def _line_of_syntax(file: Path) -> str:
    """Node tells where a syntax error is only of a file that it checks, without running it."""
    try:
        shell.read("node", "--check", str(file))
    except CommandError as error:
        if found := re.match(rf"(?:file://)?{re.escape(str(file))}:(\d+)", error.stderr):
            return found[1]
    return ""


def _checked(value: Any, file: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SessionError(f"{file}: has no settings; expected: export default {{ portBase: 47000, … }}")
    if unknown := [key for key in value if key not in _CHECKS]:
        notice(f"{file.name}: {', '.join(unknown)} means nothing here and is left out")
    try:
        return {key: check(key, value[key]) for key, check in _CHECKS.items() if value.get(key) is not None}
    except SessionError as error:
        raise SessionError(f"{file}: {str(error).removeprefix('session.')}") from None


def _mapped(given: dict[str, Any], file: Path) -> dict[str, Any]:
    """Return *given* in our words, with what the tool did without being told: the database's address."""
    formula = PRESETS["dev-session"]["ports"]
    offsets, base = given.get("ports", formula["offsets"]), given.get("portBase", formula["base"])
    ours: dict[str, Any] = {"preset": "dev-session", "ports": {**formula, "base": base, "offsets": offsets}}
    if "projectName" in given:
        ours["project"] = given["projectName"]
    if "sessionsDir" in given:
        ours["worktree"] = _literal(given["sessionsDir"].rstrip("/")) + "/session-{name}"
    if "appEnv" in given:
        ours["app_env"] = {app: {k: _literal(v) for k, v in values.items()} for app, values in given["appEnv"].items()}
    address = f"DATABASE_URL={_DATABASE}" if "POSTGRES_PORT" in offsets else ""
    if "setup" in given:
        ours["setup"] = [f"export {address} && {each}" if address else each for each in map(_literal, given["setup"])]
    if "envFiles" in given:
        ours["copy"] = given["envFiles"]
        there = [name for name in given["envFiles"] if (file.parent / name).is_file()]
        ours["env"] = {name: {"DATABASE_URL": _DATABASE} for name in there if address}
    if "apps" in given:  # what it starts of the compose file beside its infrastructure
        ours["compose"] = {**PRESETS["dev-session"]["compose"], "profiles": given["apps"]}
    return ours


def _literal(text: str) -> str:
    """Return *text* with what would be a placeholder of ours standing for itself."""
    return re.sub(r"(?<!\$)\{(\w+)\}", r"{{\1}}", text)
