"""Where a session's dependencies come from, and when that is not what its branch asks for."""

from __future__ import annotations

import filecmp
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from ..model import Problem, Session

_LOCK_FILES = ("package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lockb")


def problems(session: Session) -> list[Problem]:
    """Return linked node_modules for another lock file, and Python code that comes from the main checkout."""
    return [*_other_packages(session), *_other_code(session)]


def _other_packages(session: Session) -> Iterator[Problem]:
    for path in session.link:
        if Path(path).name != "node_modules" or not (session.worktree / path).is_symlink():
            continue
        for name in _LOCK_FILES:
            own, main = (top / Path(path).parent / name for top in (session.worktree, session.repository.main))
            if own.is_file() and main.is_file() and not filecmp.cmp(own, main, shallow=False):
                place = (session.worktree / path).parent
                mend = f"cd {shlex.quote(str(place))} && rm node_modules && npm install"
                yield Problem(f"{path} is the main checkout's, but {name} differs", "packages do not match", mend)


def _other_code(session: Session) -> Iterator[Problem]:
    """An editable install leads to the checkout that it was made in, whichever worktree imports it."""
    environment = _environment(session)
    if environment is None:
        return
    main = str(session.repository.main)
    for file in (environment / "lib").glob("python*/site-packages/*.pth"):
        for line in file.read_text(errors="replace").splitlines():
            if line == main or line.startswith(main + os.sep):
                mend = f"set PYTHONPATH to the same place in {session.worktree}, in `activate`"
                yield Problem(f"{file.name} makes Python import {line}", "that is the main checkout's code", mend)


def _environment(session: Session) -> Path | None:
    if found := re.search(r"source '?([^'\"$]+)/bin/activate", session.activate):
        return Path(found[1])
    if session.activate.startswith("workon "):
        home = Path(os.environ.get("WORKON_HOME") or "~/.virtualenvs").expanduser()
        return home / session.activate.split()[1]
    return None
