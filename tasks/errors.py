"""The errors that end a task with one message and an exit code, and no traceback."""

from invoke.exceptions import Exit


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
        super().__init__(f"{what} failed (exit code {code}){':' if said else ''}\n{said}".rstrip())
        self.exit_code = code
        self.stderr = stderr


class Interrupted(Exit):
    """^C, or a signal that asks us to end; the exit code is the shell's, 128 + *number*."""

    def __init__(self, number: int) -> None:
        super().__init__("interrupted", 128 + number)
