"""The `invoke.yaml` for a layout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from invoke.util import yaml

from develop.embedding.errors import EmbedError
from develop.embedding.layout import Frontend, Layout
from tasks.errors import SessionError
from tasks.presets import PRESETS
from tasks.settings import load

_load: Any = yaml.safe_load  # what Invoke reads the file with
_FILES = {
    "invoke.yaml": r"^['\"]?session['\"]?\s*:", "invoke.yml": r"^['\"]?session['\"]?\s*:",
    "invoke.json": r"[\"]session[\"]\s*:", "invoke.py": r"^session\s*=",
}  # fmt: skip
_DEV = {
    "npm": "npm run dev -- --port {frontend_port}", "pnpm": "pnpm dev --port {frontend_port}",
    "yarn": "yarn dev --port {frontend_port}", "bun": "bun run dev --port {frontend_port}",
}  # fmt: skip


def text(found: Layout, preset: str) -> str:
    """Return the commented configuration for what was *found*; the *preset* of the same name, or the one that fits.

    Raises `EmbedError` for an unknown preset.
    """
    lines = ["# Sessions: complete places to work, side by side. Every key: docs/configuration.md of Tally Sessions."]
    if found.session_config and not preset:
        return f"{lines[0]}\n# {found.session_config} is read as it is; a `session:` here would take its place.\n"
    name = chosen(found, preset)
    if name not in PRESETS:
        raise EmbedError(f"unknown preset {name!r}; known: {', '.join(PRESETS)}")
    lines += ["session:", f"  preset: {name}"]
    if name in ("points", "tally"):
        lines += [f"  {line}" for line in _web(found, shared_database=name == "tally")]
    made = "\n".join(lines) + "\n"
    try:
        load(_load(made)["session"])
    except SessionError as error:
        raise EmbedError(f"no configuration could be written for this layout: {error}") from None
    return made


def file(top: Path) -> Path:
    """Return the file that Invoke reads; one that is there wins over all that come after it."""
    return next((top / name for name in _FILES if (top / name).exists()), top / "invoke.yaml")


def lacking(file: Path) -> bool:
    """Return whether *file* is there, and says nothing of sessions."""
    if not file.exists():
        return False
    return not re.search(_FILES[file.name], file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)


def put(file: Path, settings: str) -> str:
    """Write *settings* unless *file* is there; return what was done."""
    if not file.exists():
        file.write_text(settings, encoding="utf-8")
        return f"wrote {file.name}"
    if not lacking(file):
        return f"{file.name} has a `session:` part and stays as it is"
    form = "" if file.suffix in (".yaml", ".yml") else ", in its own form"
    return f"{file.name} stays as it is; what could be added to it{form}:\n\n{settings}"


def chosen(found: Layout, preset: str) -> str:
    """Return *preset*, or else the name of the one that fits what was *found*."""
    if preset:
        return preset
    if found.session_config or found.compose:
        return "dev-session"
    return "parallel" if found.new_session else "points"


def _web(found: Layout, shared_database: bool) -> Iterator[str]:
    served = {
        **({"backend_port": 8000} if found.django is not None else {}),
        **({"frontend_port": 5000} if found.frontend else {}),
    }
    databases = list(found.databases)
    yield f"ports: {json.dumps(served)}    # the first port to try, counting up"
    copied = [*([] if shared_database else databases), *found.env_files]
    yield f"copy: {json.dumps(copied)}    # each session gets its own"
    linked = [*found.packages, *(databases if shared_database else [])]
    yield f"link: {json.dumps(linked)}    # shared with the main checkout"
    yield from _env(found)
    yield "# activate: source '{main}/.venv/bin/activate'    # found: virtualenvwrapper, .venv, Poetry, Pipenv"
    yield "windows:"
    yield from (f"  - {json.dumps(window)}" for window in _windows(found, not shared_database))


def _env(found: Layout) -> Iterator[str]:
    if found.django is None or not found.addresses:
        yield 'env: {}    # file -> variables set in it, for example {.env: {API_URL: "http://localhost:{backend_port}"}}'
        return
    yield "env:    # the rest of each file is kept"
    for file, variables in found.addresses.items():
        values = {key: re.sub(r":\d+", ":{backend_port}", value, count=1) for key, value in variables.items()}
        yield f"  {json.dumps(file)}: {json.dumps(values)}"


def _windows(found: Layout, five: bool) -> Iterator[dict[str, object]]:
    backend, frontend = ("backend:{backend_port}", "frontend:{frontend_port}") if five else ("backend", "frontend")
    if found.django is not None:
        run = "python manage.py runserver {backend_port}"
        yield {"name": backend, **_in(found.django), "run": run}
    if found.frontend:
        yield {"name": frontend, **_in(found.frontend.directory), "run": _dev(found.frontend)}
    yield {"name": "claude", "claude": True}
    if five:
        yield {"name": "shell"}
    if five and found.django is not None:
        yield {"name": "cli", "type": f"python {found.django}/manage.py ".replace(" /", " ")}


def _in(directory: str) -> dict[str, str]:
    return {"dir": directory} if directory else {}


def _dev(frontend: Frontend) -> str:
    return _DEV[frontend.manager]
