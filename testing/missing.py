"""Programs that some tests need besides git, tmux, Python and Node, with their Debian packages."""

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

_PACKAGES = {
    "busybox": "busybox-static", "chromium": "chromium", "claude": "", "docker": "docker.io",
    "docker-compose": "docker-compose", "dockerd": "docker.io", "fish": "fish", "setpriv": "util-linux",
    "ssh": "openssh-client", "ssh-keygen": "openssh-client", "sshd": "openssh-server", "strace": "strace", "zsh": "zsh",
    "npm": "npm", "python3": "python3",
    # python -m testing.managers
    **dict.fromkeys(("bun", "pipenv", "pnpm", "poetry", "uv", "yarn"), ""),
    **dict.fromkeys(("biome", "black", "django-admin", "flake8", "isort", "pre-commit", "prettier", "yamllint"), ""),
}  # fmt: skip
_HINT = re.compile(r" \(apt install ([^)]+)\)")


def find_program(name: str) -> str:
    """Return the path of the program *name*, empty if it is missing. Looks in root's PATH, too."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin") or ""


def describe_missing(*programs: str) -> str:
    """Return which of *programs* are missing, and how to install them; empty if none is."""
    absent = [name for name in programs if not find_program(name)]
    packages = sorted({_PACKAGES[name] for name in absent} - {""})
    hint = f" (apt install {' '.join(packages)})" if packages else ""
    return f"not installed: {', '.join(absent)}{hint}" if absent else ""


def require(*programs: str) -> None:
    """Skip the test that calls this unless all of *programs* are installed.

    Where TALLY_SESSIONS_ALL_PROGRAMS is set, as in CI, it fails instead.
    """
    if reason := describe_missing(*programs):
        if _NOTHING_MAY_BE_MISSING:
            pytest.fail(reason)
        pytest.skip(reason)


_NOTHING_MAY_BE_MISSING = bool(os.environ.get("TALLY_SESSIONS_ALL_PROGRAMS"))  # the sandbox deletes the variable


def summarize(reasons: Iterable[str]) -> list[str]:
    """Return lines that say how many tests were skipped for which of *reasons*, and what to install for them."""
    counts = Counter(_HINT.sub("", reason.removeprefix("Skipped: ")) for reason in reasons)
    packages = sorted({name for reason in reasons for hint in _HINT.findall(reason) for name in hint.split()})
    lines = [f"{count:4} {reason}" for reason, count in counts.most_common()]
    return [*lines, f"To run them as well: apt install {' '.join(packages)}"] if packages else lines


def hide_package(directory: Path) -> str:
    """Return a PYTHONPATH with which Python doesn't find the installed `tally_sessions`, made in *directory*."""
    directory.mkdir()
    (directory / "sitecustomize.py").write_text("import sys\n\nsys.modules['tally_sessions'] = None\n")
    return str(directory)
