"""The programs that we start: as steps that `--echo` shows, or to read what they print, within a time and a size."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Timer
from types import FrameType
from typing import Any, NamedTuple

from invoke.context import Context

from ..errors import CommandError, Interrupted, OversizeError, SessionError, SilentError
from . import progress, reading, signals
from .patterns import late_pattern

# What git itself calls repository-local (`git rev-parse --local-env-vars`) and sets in its hooks; the tmux that we run
# in; and what paths mean to the git that started a hook: Emacs starts one that takes them literally.
_MISLEADING = frozenset(
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_CONFIG GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS GIT_DIR"
    " GIT_GRAFT_FILE GIT_IMPLICIT_WORK_TREE GIT_INDEX_FILE GIT_NAMESPACE GIT_NO_REPLACE_OBJECTS GIT_OBJECT_DIRECTORY"
    " GIT_PREFIX GIT_QUARANTINE_PATH GIT_REPLACE_REF_BASE GIT_SHALLOW_FILE GIT_WORK_TREE TMUX TMUX_PANE"
    " GIT_GLOB_PATHSPECS GIT_ICASE_PATHSPECS GIT_LITERAL_PATHSPECS GIT_NOGLOB_PATHSPECS TALLY_SESSIONS_CALLER".split()
)
# If we start the tmux server, it passes its environment on to every later pane.
_PERSONAL = frozenset(
    "CLAUDECODE CLAUDE_CODE_CHILD_SESSION CLAUDE_CODE_ENTRYPOINT CLAUDE_CODE_SESSION_ID MAKEFLAGS MAKELEVEL"
    " MAKEOVERRIDES MAKE_TERMERR MAKE_TERMOUT MFLAGS OLDPWD PYTHONHOME VIRTUAL_ENV VIRTUAL_ENV_PROMPT".split()
)
# Seconds until a program that was asked something is ended; git may have to read a large tree from a cold disk.
_PATIENCE = {"git": 120.0, "tmux": 5.0}
_USUAL = 60.0
_LONG = 30.0  # seconds until a note says which step we are waiting for
_SILENT_FOR = 10.0  # seconds until a command that lasts asks again what did not answer; any other never does


# What git prints when it can't answer at all: for no caller that means "there is none".
_UNUSABLE = late_pattern(r"(?m)^fatal: (bad config|detected dubious ownership|unable to access '[^']*config')")


_echoes = False  # whether `inv --echo` shows the steps
_silent: dict[str, SilentError] = {}
_silent_since: dict[str, float] = {}


def use_context(context: Context) -> None:
    """Show later steps if *context*, the running task's, has `inv --echo`."""
    global _echoes
    _echoes = bool(context.config.run.echo)  # once: Invoke takes longer to say it than all else that a step needs here


def clean_environment() -> dict[str, str]:
    """Return this process's environment without variables that would lead a child to another repository."""
    return {key: value for key, value in os.environ.items() if key not in _MISLEADING}


def pristine_environment() -> dict[str, str]:
    """Return `clean_environment()` without the virtualenv, conversation, session or `make` that we run in."""
    environment = {k: v for k, v in clean_environment().items() if k not in _PERSONAL and not k.startswith("TALLY_")}
    if virtualenv := os.environ.get("VIRTUAL_ENV"):
        own = os.path.join(virtualenv, "bin")
        environment["PATH"] = os.pathsep.join(p for p in environment.get("PATH", "").split(os.pathsep) if p != own)
    if (around := os.environ.get("TALLY_SESSION")) and "PYTHONPATH" in environment:
        places = environment["PYTHONPATH"].split(os.pathsep)
        environment["PYTHONPATH"] = os.pathsep.join(p for p in places if p != around and not p.startswith(f"{around}/"))
    return environment


def untranslated_environment(argv: Sequence[str], env: Mapping[str, str]) -> dict[str, str]:
    """Return *env* for *argv*, with English messages for git, the only one whose translated output we search.

    Its hooks keep the person's character set and formats.
    """
    if argv[0] != "git":
        return dict(env)
    locale = env.get("LC_ALL", "")  # which overrides each of the others
    others = {key: value for key, value in env.items() if not (locale and key.startswith("LC_"))}
    return {**others, **({"LANG": locale} if locale else {}), "LC_MESSAGES": "C"}


class Step(NamedTuple):
    """A step that was begun: *argv*, and its process."""

    argv: tuple[str, ...]
    process: subprocess.Popen[bytes]

    def finish(self) -> str:
        """Wait for it, and return its stdout; raises as `run_step` does. Whatever interrupts us ends it."""
        late = f"{_named(self.argv)} has been running for {_LONG:g} s. Waiting for it to end."
        reminder = Timer(_LONG, progress.notice, (late,))  # a large checkout takes its time: no limit
        try:
            reminder.start()
            output, errors = reading.read_pipes(self.process, b"", reading.UNBOUNDED)
        except BaseException as error:
            self.end()
            if isinstance(error, OverflowError):
                raise OversizeError(self.argv[0], _named(self.argv), reading.MOST_OUTPUT) from None
            raise
        finally:
            reminder.cancel()
        if self.process.returncode:
            raise command_failure(self.argv, self.process.returncode, _text(errors))
        return _text(output)

    def end(self) -> None:
        """End it, politely first."""
        with self.process:
            reading.end_process(self.process)


def begin_step(*argv: str, env: Mapping[str, str] | None = None) -> Step:
    """Begin the step *argv*, which has to be finished. Raises `SessionError` when the program is not installed."""
    echo_command(shlex.join(argv))
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    environment = untranslated_environment(argv, env or clean_environment())
    try:
        return Step(argv, subprocess.Popen(argv, env=environment, stdin=null, stdout=pipe, stderr=pipe))
    except FileNotFoundError:
        raise command_failure(argv, 127, "") from None


def run_step(*argv: str, env: Mapping[str, str] | None = None) -> str:
    """Run the step *argv* and return its stdout.

    Raises `CommandError` when it fails, `SessionError` when the program is not installed.
    """
    return begin_step(*argv, env=env).finish()


def read_output(
    *argv: str, env: Mapping[str, str] | None = None, check: bool = True, cwd: Path | None = None,
    given: str | None = None, seconds: float = 0,
) -> str:  # fmt: skip
    """Return what *argv* prints, *given* its stdin; without *check* a failing program's output is returned as well.

    Raises `SilentError` when it takes more *seconds*, by default those that the program is given for a question, and
    `OversizeError` when it prints more than 1 GB.
    """
    echo_command(shlex.join(argv))
    return _completed(argv, env, check, given=given, cwd=cwd, seconds=seconds)[0]


def run_long(
    *argv: str, env: Mapping[str, str], check: bool = True, given: str | None = None, apart: bool = False
) -> str:
    """Return what *argv* prints, *given* its stdin, without a time limit.

    ^C in our terminal doesn't reach one that runs *apart*.
    """
    echo_command(shlex.join(argv))
    return _completed(argv, env, check, given=given, start_new_session=apart, seconds=reading.UNBOUNDED)[0]


def feed_program(*argv: str, given: str, shown: Sequence[str], env: Mapping[str, str], seconds: float) -> str:
    """Return what *argv* prints, *given* its stdin; `--echo` and errors show *shown*, without secrets."""
    echo_command(shlex.join(shown))
    return _completed(argv, env, check=True, shown=shown, given=given, seconds=seconds)[0]


def read_bytes(*argv: str, given: bytes = b"", seconds: float = 0) -> tuple[int, bytes, str]:
    """Return the exit code of *argv*, *given* its stdin, its stdout with every byte as it is, and its stderr.

    Raises as `read_output` does.
    """
    echo_command(shlex.join(argv))
    code, output, errors = _run(argv, None, given, seconds)
    return code, output, _text(errors)


def read_outputs(*argv: str, env: Mapping[str, str] | None = None, seconds: float = 0) -> tuple[str, str]:
    """Return what *argv*, which must succeed, prints on stdout and on stderr.

    Raises as `read_output` does; then all that it started is ended with it.
    """
    echo_command(shlex.join(argv))
    return _completed(argv, env, check=True, seconds=seconds, start_new_session=True)


def _completed(
    argv: tuple[str, ...], env: Mapping[str, str] | None, check: bool, seconds: float = 0, given: str | None = None,
    shown: Sequence[str] = (), **how: Any,
) -> tuple[str, str]:  # fmt: skip
    data = None if given is None else given.encode("utf-8", "surrogateescape")
    code, output, errors = _run(argv, env, data, seconds, shown, **how)
    stderr = _text(errors)
    if code and (check or _UNUSABLE.search(stderr)):
        raise command_failure(shown or argv, code, stderr)
    return _text(output), stderr


def _text(output: bytes) -> str:
    """Return *output* as text with the line ends of Python; what has NULs are paths, which stay as they are."""
    text = output.decode("utf-8", "surrogateescape")
    return text if "\0" in text or "\r" not in text else text.replace("\r\n", "\n").replace("\r", "\n")


def _run(
    argv: tuple[str, ...], env: Mapping[str, str] | None, given: bytes | None, seconds: float = 0,
    shown: Sequence[str] = (), **how: Any,
) -> tuple[int, bytes, bytes]:  # fmt: skip
    """Return exit code, stdout and stderr of *argv*; one that prints too much, or takes too long, is ended."""
    limit = seconds or _PATIENCE.get(argv[0], _USUAL)
    _require_answers(argv[0])
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            argv, env=untranslated_environment(argv, env or clean_environment()), stdout=pipe, stderr=pipe,
            stdin=subprocess.DEVNULL if given is None else pipe, **how,
        )  # fmt: skip
    except FileNotFoundError:
        raise command_failure(argv, 127, "") from None
    with process:
        try:
            output, errors = reading.read_pipes(process, given or b"", limit)
        except BaseException as error:
            (reading.end_group if how.get("start_new_session") else reading.end_process)(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise _silence(shown or argv, limit) from None
            if isinstance(error, OverflowError):
                raise OversizeError(argv[0], _named(shown or argv), reading.MOST_OUTPUT) from None
            raise
    return process.returncode, output, errors


def _require_answers(program: str) -> None:
    """Raise the last error of *program* again if it timed out: one that hangs costs a command its time once."""
    if is_silent(program):
        raise _silent[program]


def is_silent(program: str) -> bool:
    """Return whether *program* didn't answer in time, and is not asked again."""
    return program in _silent


def ask_silent_again() -> None:
    """Have programs that have been silent for a while asked again, by a command that lasts."""
    for program in [each for each, since in _silent_since.items() if time.monotonic() - since > _SILENT_FOR]:
        del _silent[program], _silent_since[program]


def _silence(argv: Sequence[str], seconds: float) -> SilentError:
    error = SilentError(argv[0], _named(argv), seconds)
    if argv[0] == "tmux":  # there is one tmux server; the next git may run elsewhere
        _silent[argv[0]], _silent_since[argv[0]] = error, time.monotonic()
    return error


def echo_command(command: str) -> None:
    """Print *command* when `inv --echo` asks for it."""
    if _echoes:
        progress.say(f"+ {command}")


def command_failure(argv: Sequence[str], code: int, stderr: str) -> SessionError:
    """Return the error that *argv* ended with *code*; a shell or git hook that misses a program ends with 127, too."""
    if code == 127 and shutil.which(argv[0]) is None:
        return SessionError(f"{argv[0]} is not installed, or not on PATH. Install the package {argv[0]}.")
    return CommandError(_named(argv), code, stderr)


def _named(argv: Sequence[str]) -> str:
    return " ".join([word for word in argv if not word.startswith(("-", "/", ";", "#")) and "=" not in word][:3])


def run_within(seconds: float, *argv: str, env: Mapping[str, str]) -> str | None:
    """Return what *argv* prints; None when it is not installed, fails, or takes longer than *seconds*."""
    try:
        return run_bounded(seconds, *argv, env=env)
    except (SessionError, OSError):
        return None


def run_settled(*argv: str, env: Mapping[str, str], given: str | None = None) -> str:
    """Return what *argv* prints, *given* its stdin; no signal interrupts it but a second ^C.

    Raises `CommandError` when it fails, or was ended: what it left must then be treated as after any failure.
    """
    presses = 0

    def count_presses(number: int, _frame: FrameType | None) -> None:
        nonlocal presses
        presses += number == signal.SIGINT
        if number != signal.SIGINT:
            return  # not SIG_IGN, which the program would inherit: it could not be ended politely
        if presses == 1:
            progress.notice(f"Waiting for {argv[0]} to finish. Press ^C again to end it now.")
        elif presses == 2:
            raise Interrupted(number)

    with signals.handle_signals(signals.ENDING, count_presses):
        try:
            return _finished(argv, env, given)
        except Interrupted:
            raise CommandError(argv[0], 128 + signal.SIGINT, "ended by the second ^C") from None


def _finished(argv: tuple[str, ...], env: Mapping[str, str], given: str | None) -> str:
    echo_command(shlex.join(argv))
    process = subprocess.Popen(  # pipes, not files: the disk may be full
        argv, env=untranslated_environment(argv, env), stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    with process:
        try:
            output, errors = reading.read_pipes(process, os.fsencode(given or ""), reading.UNBOUNDED)
        except BaseException as error:
            reading.end_group(process)
            if isinstance(error, OverflowError):
                raise OversizeError(argv[0], _named(argv), reading.MOST_OUTPUT) from None
            raise
    if process.returncode:
        raise command_failure(argv, process.returncode, errors.decode(errors="replace"))
    return output.decode(errors="replace")


def run_bounded(seconds: float, *argv: str, env: Mapping[str, str]) -> str:
    """Return what *argv* prints, which may wait for another machine; it has no terminal for questions.

    Raises `CommandError` when it fails, or takes longer than *seconds*: then it is ended with all that it started.
    """
    import tempfile

    echo_command(shlex.join(argv))
    # Files, not pipes: an ssh master that stays for the next connection would keep a pipe open.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            argv, env=untranslated_environment(argv, env), stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
            start_new_session=True,
        )  # fmt: skip
        try:
            code = reading.wait_for_end(process, seconds, (output, errors))
        except BaseException as error:
            reading.end_group(process)
            if isinstance(error, OverflowError):
                raise OversizeError(argv[0], _named(argv), reading.MOST_OUTPUT) from None
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise CommandError(argv[0], 124, f"no answer within {seconds:g} s") from None
        for file in (output, errors):
            file.seek(0)
        if code:
            raise command_failure(argv, code, errors.read().decode(errors="replace"))
        return output.read().decode(errors="replace")
