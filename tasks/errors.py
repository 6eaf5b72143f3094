"""The errors that end a task with one message and an exit code, and no traceback."""

import os
import re
from collections.abc import Collection

from invoke.exceptions import Exit

# What to do about an error of the system, which programs quote in their messages.
_HINTS = {
    "No space left on device": (
        "Free some space, or inodes (see where: df -h {place}; df -i {place}), then run the command again."
    ),
    "Dis[ck] quota exceeded": "Delete some of your files on that file system, then run the command again.",
    "Read-only file system": "Mount it writable (see why it is not: mount), then run the command again.",
    r"\.lock': File exists|could not lock .*: File exists": (
        "A killed git left this lock, unless one is still running.\nRun: inv session.doctor --fix"
    ),
    r"failed to read .*worktrees/.*/commondir": (
        "A git that was killed has left this worktree incomplete.\nRun: inv session.doctor --fix"
    ),
}
# Git's own advice about a lock, which leaves it to the person to check whether a git still holds it.
_BY_HAND = re.compile(r"\s*Another git process seems to be running.*?(?:manually to continue\.?|\Z)", re.DOTALL)
# What to check when a program doesn't answer.
_SILENT = {
    "tmux": (
        'Its server is stopped or busy. Find it: pgrep -lu "$USER" tmux\n'
        "Continue a stopped one, which loses nothing: kill -CONT PID"
    ),
}
_REFUSED = "You need permission to read and write there. Check: ls -ld {place}"


class SessionError(Exit):
    """A failure that a person, a disk or another program caused.

    *message* says what is wrong, what was expected, and what to run.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, 1)

    def __str__(self) -> str:
        return str(self.message)


class OutcomeError(SessionError):
    """What a person answered or wanted to know, with exit code 1: nothing failed, so it isn't called an error."""


class CommandError(SessionError):
    """The program *what* failed with the exit *code*; *stderr* is what it printed."""

    def __init__(self, what: str, code: int, stderr: str) -> None:
        stderr = _BY_HAND.sub("", stderr)
        output = "\n".join(f"    {line}" for line in stderr.strip().splitlines())
        message = f"{what} failed (exit code {code}){':' if output else ''}\n{output}".rstrip()
        super().__init__("\n".join([message, *list_hints(output)]))
        self.exit_code = code
        self.stderr = stderr


class SilentError(SessionError):
    """A *program* that didn't answer within *seconds* when asked the *question*, a command line."""

    def __init__(self, program: str, question: str, seconds: float) -> None:
        self.program = program
        self.advice = _SILENT.get(program, f"See what it is waiting for: {question}")
        self.fact = f"{program} didn't answer within {seconds:g} s"
        super().__init__(f"{program} didn't answer within {seconds:g} s ({question}).\n{self.advice}")


class OversizeError(SessionError):
    """A *program* that printed more than *most* bytes when asked the *question*, a command line."""

    def __init__(self, program: str, question: str, most: int) -> None:
        super().__init__(
            f"{program} printed more than {most >> 20} MB and was stopped ({question}).\nSee what it prints: {question}"
        )


class Interrupted(Exit):
    """^C, or a signal that asks us to end; the exit code is the shell's, 128 + *number*."""

    def __init__(self, number: int) -> None:
        super().__init__("Cancelled.", 128 + number)


def describe_error(error: SessionError | OSError) -> str:
    """Return the message of *error*; for an error of the system with its file, where known, and what to do."""
    if not isinstance(error, OSError):
        return str(error)
    file, reason = error.filename or "", error.strerror or str(error)
    if error.args and isinstance(error.args[0], list):  # shutil's, of a whole directory
        _source, file, reason = error.args[0][0]
    place = os.path.dirname(os.fsdecode(file)) if isinstance(file, (str, bytes)) else ""
    refused = [_REFUSED.format(place=place)] if isinstance(error, PermissionError) and place else []
    return ". ".join([f"{file}: {reason}" if file else reason, *list_hints(reason, place), *refused])


def quote_text(value: object) -> str:
    """Return *value* in double quotes on one line, as messages show what a person typed or wrote."""
    shown = repr(str(value))[1:-1].replace("\\'", "'").replace('"', '\\"')
    return f'"{shown}"'


def ask_meant(meant: str) -> str:
    """Return the question whether *meant* was meant, as it follows the sentence that says what is wrong."""
    return f' Did you mean "{meant}"?'


def closest_name(name: str, known: Collection[str], likeness: float = 0.6) -> str:
    """Return the one of the *known* names that is like *name*; else ""."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), 1, likeness)), "")


def suggest_name(name: str, known: Collection[str], listed: bool = False) -> str:
    """Return the one of the *known* names that is like *name* as a question; else "", or *listed* all of them."""
    close = closest_name(name, known)
    return ask_meant(close) if close else f" Known: {', '.join(known)}" if listed else ""


def list_hints(text: str, place: str = "") -> list[str]:
    """Return what to do about the errors of the system that *text* quotes."""
    return [
        hint.format(place=place).replace(" )", ")").replace(" ;", ";")
        for words, hint in _HINTS.items()
        if re.search(words, text)
    ]
