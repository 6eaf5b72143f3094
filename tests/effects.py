"""Run `inv` and number its effects: LOG NUMBER before|after KIND INV-ARGUMENTS…

Each effect is a line in LOG. At effect NUMBER (0: at none) this process does KIND: it sends itself the signal of that
name, raises the OSError of that name, or, for `tool`, the error of a program that failed.
"""

from __future__ import annotations

import errno
import functools
import importlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.project import Project, Result

PROGRAM = str(Path(__file__))
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_OURS = (("shell", "run"), ("shell", "read"), ("machine.atomic", "write"), ("machine.copying", "copy"))
ERRORS = ("ENOSPC", "EACCES", "tool")


class _Effects:
    def __init__(self, log: str, number: int, moment: str, kind: str) -> None:
        self.log, self.number, self.moment, self.kind = log, number, moment, kind
        self.count = 0

    def counted(self, label: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def effect(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            now = self.count == self.number
            with open(self.log, "a", encoding="utf-8") as log:
                log.write(f"{label} {args!r}".replace("\n", " ")[:300] + "\n")
            if now and self.moment == "before":
                _fail(self.kind)
            result = original(*args, **kwargs)
            if now and self.moment == "after":
                _fail(self.kind)
            return result

        return effect


def _fail(kind: str) -> None:
    if kind == "tool":
        from tasks.errors import CommandError

        raise CommandError("injected", 1, "injected failure")
    if kind.startswith("SIG"):
        os.kill(os.getpid(), signal.Signals[kind])
        time.sleep(0.01)  # the handler raises, if there is one
        return
    number = getattr(errno, kind)
    raise OSError(number, os.strerror(number), "injected")


def main() -> None:
    """Number the effects and hand over to Invoke."""
    log, number, moment, kind, *arguments = sys.argv[1:]
    sys.path.insert(0, os.getcwd())
    sys.modules.pop("tasks", None)
    import psutil

    effects = _Effects(log, int(number), moment, kind)
    ours = ((importlib.import_module(f"tasks.{name}"), verb) for name, verb in _OURS)
    paths = ((Path, verb) for verb in ("symlink_to", "rename", "unlink"))
    system = ((os, "replace"), (os, "link"), (shutil, "rmtree"))
    processes = ((psutil.Process, "terminate"), (psutil.Process, "kill"))
    every: tuple[tuple[Any, str], ...] = (*ours, *paths, *system, *processes)
    for owner, verb in every:
        label = f"{owner.__name__.rpartition('.')[2]}.{verb}"
        setattr(owner, verb, effects.counted(label, getattr(owner, verb)))
    from invoke.main import program

    program.run(["inv", *arguments])


def faulty(project: Project, number: int, moment: str, kind: str, *arguments: str) -> Result:
    """Run `inv` with *arguments* and let its effect *number* fail; a lock that it left is ten seconds old at once."""
    log = _log(project)
    log.unlink(missing_ok=True)
    said = project.inv(str(log), str(number), moment, kind, *arguments, code=None, program=PROGRAM)
    with suppress(FileNotFoundError):
        os.utime(project.top.parent / "home" / ".claude.json.lock", (0, 0))
    return said


def of(project: Project, *arguments: str) -> list[str]:
    """Run `inv` with *arguments* and return its effects."""
    said = faulty(project, 0, "before", "none", *arguments)
    assert said.code == 0, said.err
    return _log(project).read_text().splitlines()


def _log(project: Project) -> Path:
    return project.top.parent / "effects.log"


if __name__ == "__main__":
    main()
