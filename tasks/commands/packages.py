"""The packages that the tasks need besides Invoke: what is missing, and the command that installs it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ..errors import SessionError

# module -> the package that brings it
PACKAGES = {
    "libtmux": "libtmux", "dotenv": "python-dotenv", "tabulate": "tabulate", "psutil": "psutil",
    "fabric": "fabric", "textual": "textual",
}  # fmt: skip


_TEXTUAL = 8


def missing_packages() -> SessionError:
    """Return the error that names all that are missing, also those that only other tasks need: to be installed at once.

    Only the standard library is asked.
    """
    packages = [package for module, package in PACKAGES.items() if find_spec(module) is None]
    command = install_command(Path(__file__).absolute().parents[2], packages)
    return SessionError(f"Missing packages: {', '.join(packages)}\nRun: {command}")


def require_textual() -> None:
    """Raise `SessionError` if the installed Textual is older than the dashboard needs."""
    from importlib.metadata import version

    found = version("textual")
    if int(found.partition(".")[0]) < _TEXTUAL:
        command = install_command(Path(__file__).absolute().parents[2], [f"textual>={_TEXTUAL}"])
        raise SessionError(f"Textual {found} is too old. The dashboard needs version {_TEXTUAL}.\nRun: {command}")


def install_command(top: Path, names: Sequence[str]) -> str:
    """Return the command that adds the packages *names* to the project at *top*, with its own package manager."""
    if (top / "uv.lock").is_file():
        words = ["uv", "add", "--dev"]
    elif (top / "poetry.lock").is_file() or "[tool.poetry]" in _project_text(top):
        words = ["poetry", "add", "--group", "dev"]
    elif (top / "Pipfile").is_file():
        words = ["pipenv", "install", "--dev"]
    else:
        words = [sys.executable, "-m", "pip", "install"]
    return shlex.join([*words, *names])


def _project_text(top: Path) -> str:
    try:
        return (top / "pyproject.toml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
