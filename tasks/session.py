"""The collection `inv session`: its table of contents. A task is imported when it is its turn."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from invoke.collection import Collection

from .commands.invoke_extensions import LateTask, SessionTask

# In the order of `inv --list`: every day, status, finishing a branch, the rest. Behind a task: its other names.
TASKS = {
    "add": ("create",), "list": ("ls",), "show": (), "diff": (), "open": (), "attach": (), "next": (), "send": (),
    "answer": (), "wait": (), "run": (), "logs": (), "stop": (), "start": (), "resume": (),
    "remove": ("destroy", "rm"), "restore": (), "setup": (), "refresh": (), "sync": (), "merge": (), "pr": (),
    "rename": (), "conflicts": (), "compare": (), "watch": (), "pick": (), "doctor": (), "env": (), "config": (),
    "adopt": (), "permissions": (), "prune": (),
}  # fmt: skip


def _load(name: str) -> SessionTask:
    """Return the one task in the file of that *name* in `commands/`."""
    try:
        module = import_module(f".commands.{name}", __package__)
    except KeyboardInterrupt:  # Invoke would end without a word
        from .errors import Interrupted

        raise Interrupted(2) from None
    (task,) = (value for value in vars(module).values() if isinstance(value, SessionTask))
    return task


ns = Collection("session")
for name, others in TASKS.items():
    ns.add_task(LateTask(name, others, partial(_load, name)))
