"""`session.config.mjs`: a project's configuration of the dev-session tool, run once by node and written as ours."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from invoke.util import yaml

from tasks.config.checks import check_filled, check_inside, check_port, check_port_key, check_scalar, check_variable
from tasks.config.presets import PRESETS
from tasks.config.schema import check_count, list_of, table_of
from tasks.errors import CommandError, SessionError
from tasks.system import shell

_dump: Any = yaml.safe_dump
_SECONDS = 20
# What the file itself prints goes to stderr: stdout must have nothing but the JSON.
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
    "projectName": check_filled, "portBase": check_port, "sessionsDir": check_filled,
    "ports": table_of(check_port_key, check_count),
    "appEnv": table_of(check_inside, table_of(check_variable, check_scalar)), "apps": list_of(check_filled),
    "envFiles": list_of(check_inside),
    "setup": list_of(check_filled),
}  # fmt: skip


def convert_session_config(file: Path) -> tuple[dict[str, Any], list[str]]:
    """Run *file* and return its settings in the form of `session:`, and the keys that have no equivalent.

    Raises `SessionError` in one line when there is no node, or naming what is wrong in the file.
    """
    value = _run(file)
    if not isinstance(value, dict):
        raise SessionError(f"{file} has no settings. Expected: export default {{ portBase: 47000, … }}")
    try:
        known = {key: check(key, value[key]) for key, check in _CHECKS.items() if value.get(key) is not None}
    except SessionError as error:
        raise SessionError(f"{file}: {str(error).removeprefix('session.')}") from None
    return _translated(known, file), [key for key in value if key not in _CHECKS]


def session_text(settings: dict[str, Any]) -> str:
    """Return *settings* as the `session:` part of invoke.yaml."""
    text: str = _dump({"session": settings}, sort_keys=False, allow_unicode=True, width=120)
    return text


def _run(file: Path) -> Any:
    if shutil.which("node") is None:
        raise SessionError(f"{file} is a program for node, which is not on PATH. Install Node.js, then run this again.")
    output = shell.read_output("node", "--eval", _PROGRAM, "--", str(file), str(_SECONDS), cwd=file.parent, check=False)
    try:
        answer = json.loads(output)
    except ValueError:
        raise SessionError(f"{file}: node ended without an answer. To see why, run: node {file}") from None
    if "error" in answer:
        line = answer.get("line") or (_line_of_syntax_error(file) if answer.get("syntax") else "")
        raise SessionError(f"{file}{f':{line}' if line else ''}: {answer['error'].splitlines()[0]}")
    return answer.get("value")


def _line_of_syntax_error(file: Path) -> str:
    """Return where the syntax error is: node only says so when it checks a file without running it."""
    try:
        shell.read_output("node", "--check", str(file))
    except CommandError as error:
        if place := re.match(rf"(?:file://)?{re.escape(str(file))}:(\d+)", error.stderr):
            return place[1]
    return ""


def _translated(given: dict[str, Any], file: Path) -> dict[str, Any]:
    """Return *given* under our keys, with the database's address that the other tool set by itself."""
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
        present = [name for name in given["envFiles"] if (file.parent / name).is_file()]
        ours["env"] = {name: {"DATABASE_URL": _DATABASE} for name in present if address}
    if "apps" in given:  # the services that it starts besides its infrastructure
        ours["compose"] = {**PRESETS["dev-session"]["compose"], "profiles": given["apps"]}
    return ours


def _literal(text: str) -> str:
    """Return *text* with braces doubled, so that they are not taken for placeholders."""
    return re.sub(r"(?<!\$)\{(\w+)\}", r"{{\1}}", text)
