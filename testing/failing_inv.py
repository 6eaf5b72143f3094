"""Run `inv` with one resource that fails: RESOURCE VERB before|after KIND INV-ARGUMENTS…

KIND is error, oserror, or the name of a signal, which this process sends to itself; with -twice after it, once more
when the resource is removed.
"""

import importlib
import os
import signal
import sys
from typing import Any


def _fail(kind: str) -> None:
    from tasks.errors import SessionError

    if kind == "error":
        raise SessionError("injected failure")
    if kind == "oserror":
        raise OSError(28, "No space left on device", "injected")
    os.kill(os.getpid(), signal.Signals[kind])
    signal.pause()  # reached only if a handler raised: an unhandled signal ends this process


def main() -> None:
    """Replace one verb of one resource and hand over to Invoke."""
    resource, verb, moment, kind, *arguments = sys.argv[1:]
    kind, _, twice = kind.partition("-")
    sys.path.insert(0, os.getcwd())
    sys.modules.pop("tasks", None)
    resources = importlib.import_module("tasks.lifecycle").RESOURCES
    module = next(each for each in resources if resource == each.LABEL)
    original = getattr(module, verb)

    def failing(*args: Any) -> Any:
        if moment == "after":
            original(*args)
        _fail(kind)

    def interrupted(session: Any) -> None:
        os.kill(os.getpid(), signal.Signals[kind])
        undo(session)

    setattr(module, verb, failing)
    if twice:
        undo = module.remove
        setattr(module, "remove", interrupted)
    from invoke.main import program

    program.run(["inv", *arguments])


if __name__ == "__main__":
    main()
