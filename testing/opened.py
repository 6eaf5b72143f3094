"""Run `inv` and write each path that it opens or renames to into FILE: FILE INV-ARGUMENTS…

One path a line; those of renames begin with `renamed to `.
"""

import os
import sys
from typing import Any


def main() -> None:
    """Hand over to Invoke."""
    file, *arguments = sys.argv[1:]
    log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(event: str, details: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(details[0], (str, os.PathLike)):
            os.write(log, f"{os.path.abspath(os.fspath(details[0]))}\n".encode())
        elif event == "os.rename":
            os.write(log, f"renamed to {details[1]}\n".encode())

    sys.path.insert(0, os.getcwd())
    sys.modules.pop("tasks", None)
    from invoke.main import program

    sys.addaudithook(note)
    program.run(["inv", *arguments])


if __name__ == "__main__":
    main()
