"""Run `inv` and write the name of each module of ours that it loads into FILE: FILE INV-ARGUMENTS…"""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


class _Log(MetaPathFinder):
    """An import finder that finds nothing, but records every request."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] == "tasks":
            with self._file.open("a") as file:  # unbuffered: completion ends the process without flushing
                file.write(f"{name}\n")
        return None


def main() -> None:
    """Hand over to Invoke."""
    file, *arguments = sys.argv[1:]
    sys.path.insert(0, os.getcwd())
    sys.modules.pop("tasks", None)
    sys.meta_path.insert(0, _Log(Path(file)))
    from invoke.main import program

    program.run(["inv", *arguments])


if __name__ == "__main__":
    main()
