"""Programs that we start: steps through Invoke's `run`, questions through `subprocess`."""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from invoke.context import Context
from invoke.runners import Local

from .errors import CommandError, SessionError

# What git itself calls repository-local (`git rev-parse --local-env-vars`), set in its hooks; and where we run from.
_MISLEADING = frozenset(
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_CONFIG GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS GIT_DIR"
    " GIT_GRAFT_FILE GIT_IMPLICIT_WORK_TREE GIT_INDEX_FILE GIT_NAMESPACE GIT_NO_REPLACE_OBJECTS GIT_OBJECT_DIRECTORY"
    " GIT_PREFIX GIT_QUARANTINE_PATH GIT_REPLACE_REF_BASE GIT_SHALLOW_FILE GIT_WORK_TREE TMUX TMUX_PANE".split()
)
# A tmux server that we are the first to start keeps its environment for every later pane.
_PERSONAL = frozenset(
    "CLAUDECODE CLAUDE_CODE_CHILD_SESSION CLAUDE_CODE_ENTRYPOINT CLAUDE_CODE_SESSION_ID OLDPWD PYTHONHOME VIRTUAL_ENV"
    " VIRTUAL_ENV_PROMPT".split()
)

_context = Context()


class _Runner(Local):
    """Invoke's runner, which looks only every 10 ms whether a command has ended, and leaves its pipes open."""

    input_sleep = 0.001

    def stop(self) -> None:
        super().stop()
        process = getattr(self, "process", None)  # none when ^C came before it
        for pipe in (process.stdin, process.stdout, process.stderr) if process else ():
            if pipe is not None:
                pipe.close()


def use(context: Context) -> None:
    """Run later steps through *context*: the running task's, so that `inv --echo` shows them."""
    global _context
    _context = context


def environment() -> dict[str, str]:
    """Return this process's environment without what would lead a child to another repository."""
    return {key: value for key, value in os.environ.items() if key not in _MISLEADING}


def pristine_environment() -> dict[str, str]:
    """Return `environment()` without a virtualenv, a conversation or a session that we happen to run in."""
    kept = {k: v for k, v in environment().items() if k not in _PERSONAL and not k.startswith("TALLY_")}
    if inside := os.environ.get("VIRTUAL_ENV"):
        own = os.path.join(inside, "bin")
        kept["PATH"] = os.pathsep.join(p for p in kept.get("PATH", "").split(os.pathsep) if p != own)
    return kept


def run(*argv: str, env: Mapping[str, str] | None = None) -> str:
    """Run the step *argv* and return its stdout.

    Raises `CommandError` when it fails, `SessionError` when the program is not installed.
    """
    command = shlex.join(argv)
    _echo(command)
    result = _Runner(_context).run(
        command, hide="both", warn=True, echo=False, dry=False, pty=False, in_stream=False,
        encoding="utf-8", env=dict(env or environment()), replace_env=True,
    )  # fmt: skip
    assert result is not None  # only a disowned command has no result
    if result.failed:
        raise _failure(argv, result.return_code, result.stderr)
    return str(result.stdout)


def read(
    *argv: str,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    cwd: Path | None = None,
    apart: bool = False,
    seconds: float | None = None,
    given: str | None = None,
) -> str:
    """Return what *argv* prints, *given* its stdin; without *check* a failing program's output is returned as well.

    One that runs *apart* is not reached by a ^C in our terminal. Raises `SessionError` after *seconds*.
    """
    _echo(shlex.join(argv))
    try:
        result = subprocess.run(
            argv, env=env or environment(), stdin=subprocess.DEVNULL if given is None else None, input=given,
            capture_output=True, encoding="utf-8", errors="surrogateescape", cwd=cwd, start_new_session=apart,
            timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SessionError(f"{shlex.join(argv[:2])} did not answer within {seconds:.0f} s") from None
    except FileNotFoundError:
        raise _failure(argv, 127, "") from None
    if check and result.returncode:
        raise _failure(argv, result.returncode, result.stderr)
    return result.stdout


def within(seconds: float, *argv: str, env: Mapping[str, str]) -> str | None:
    """Return what *argv* prints; None when it is not there, fails, or takes longer than *seconds* and is ended."""
    try:
        return bounded(seconds, *argv, env=env)
    except (SessionError, OSError):
        return None


def bounded(seconds: float, *argv: str, env: Mapping[str, str]) -> str:
    """Return what *argv* prints, which may wait for another machine; it has no terminal to ask questions on.

    Raises `CommandError` when it fails, or takes longer than *seconds*: then all that it started is ended with it.
    """
    _echo(shlex.join(argv))
    # Files, not pipes: what ssh leaves behind for the next connection would keep a pipe open.
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            argv, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=errors, start_new_session=True
        )
        try:
            code = process.wait(seconds)
        except BaseException as error:
            _end(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise CommandError(argv[0], 124, f"no answer within {seconds:g} s") from None
        for file in (said, errors):
            file.seek(0)
        if code:
            raise _failure(argv, code, errors.read().decode(errors="replace"))
        return said.read().decode(errors="replace")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End *process* and its group: politely first, because git takes its lock files away then."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(2)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _echo(command: str) -> None:
    if _context.config.run.echo:
        print(f"+ {command}", file=sys.stderr, flush=True)


def _failure(argv: tuple[str, ...], code: int, stderr: str) -> SessionError:
    if code == 127:
        return SessionError(f"{argv[0]} is not installed or not on PATH; install the package '{argv[0]}'")
    words = [word for word in argv if not word.startswith(("-", "/")) and "=" not in word][:3]
    return CommandError(" ".join(words), code, stderr)
