"""The errors that end a task with one message and an exit code, and no traceback."""

import os
import re

from invoke.exceptions import Exit

# What to do, by what the system says, in whichever words of its own a program passes that on.
_HINTS = {
    "No space left on device": "free some space (to see where: df -h {place}), then run the same command again",
    "Dis[ck] quota exceeded": "delete some of your files on that file system, then run the same command again",
    "Read-only file system": "it cannot be written to (to see why: mount); change that, then try again",
}
_REFUSED = "expected that you may read and write there: ls -ld {place}"


class SessionError(Exit):
    """A failure that a person, a disk or another program caused.

    *message* states the fact, what was expected, and the command that resolves it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, 1)

    def __str__(self) -> str:
        return str(self.message)


class CommandError(SessionError):
    """A program that we started and that failed; *stderr* is what it said."""

    def __init__(self, what: str, code: int, stderr: str) -> None:
        said = "\n".join(f"    {line}" for line in stderr.strip().splitlines())
        message = f"{what} failed (exit code {code}){':' if said else ''}\n{said}".rstrip()
        super().__init__("\n".join([message, *_hints(said, "")]))
        self.exit_code = code
        self.stderr = stderr


class Interrupted(Exit):
    """^C, or a signal that asks us to end; the exit code is the shell's, 128 + *number*."""

    def __init__(self, number: int) -> None:
        super().__init__("interrupted", 128 + number)


def told(error: SessionError | OSError) -> str:
    """Return what went wrong: of a failure of the system with the file, where that is known, and with what to do."""
    if not isinstance(error, OSError):
        return str(error)
    file, said = error.filename or "", error.strerror or str(error)
    if error.args and isinstance(error.args[0], list):  # shutil's, of a whole directory
        _source, file, said = error.args[0][0]
    place = os.path.dirname(os.fsdecode(file)) if isinstance(file, (str, bytes)) else ""
    refused = [_REFUSED.format(place=place)] if isinstance(error, PermissionError) and place else []
    return "; ".join([f"{file}: {said}" if file else said, *_hints(said, place), *refused])


def _hints(said: str, place: str) -> list[str]:
    return [hint.format(place=place).replace(" )", ")") for words, hint in _HINTS.items() if re.search(words, said)]
