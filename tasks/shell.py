"""Programs that we start: steps through Invoke's `run`, questions through `subprocess`."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from invoke.context import Context
from invoke.runners import Local

from . import narration
from .errors import CommandError, SessionError

# What git itself calls repository-local (`git rev-parse --local-env-vars`), set in its hooks; where we run from;
# and what paths mean to the git that a hook was started by: Emacs starts one that takes them literally.
_MISLEADING = frozenset(
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_CONFIG GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS GIT_DIR"
    " GIT_GRAFT_FILE GIT_IMPLICIT_WORK_TREE GIT_INDEX_FILE GIT_NAMESPACE GIT_NO_REPLACE_OBJECTS GIT_OBJECT_DIRECTORY"
    " GIT_PREFIX GIT_QUARANTINE_PATH GIT_REPLACE_REF_BASE GIT_SHALLOW_FILE GIT_WORK_TREE TMUX TMUX_PANE"
    " GIT_GLOB_PATHSPECS GIT_ICASE_PATHSPECS GIT_LITERAL_PATHSPECS GIT_NOGLOB_PATHSPECS".split()
)
# A tmux server that we are the first to start keeps its environment for every later pane.
_PERSONAL = frozenset(
    "CLAUDECODE CLAUDE_CODE_CHILD_SESSION CLAUDE_CODE_ENTRYPOINT CLAUDE_CODE_SESSION_ID MAKEFLAGS MAKELEVEL"
    " MAKEOVERRIDES MAKE_TERMERR MAKE_TERMOUT MFLAGS OLDPWD PYTHONHOME VIRTUAL_ENV VIRTUAL_ENV_PROMPT".split()
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
    """Return `environment()` without a virtualenv, conversation, session or `make` that we happen to run in."""
    kept = {k: v for k, v in environment().items() if k not in _PERSONAL and not k.startswith("TALLY_")}
    if inside := os.environ.get("VIRTUAL_ENV"):
        own = os.path.join(inside, "bin")
        kept["PATH"] = os.pathsep.join(p for p in kept.get("PATH", "").split(os.pathsep) if p != own)
    return kept


def understood(argv: Sequence[str], env: Mapping[str, str]) -> dict[str, str]:
    """Return *env* for *argv*; git, the one of our programs that translates what we look for, speaks English in it.

    Its hooks keep the person's letters and formats.
    """
    if argv[0] != "git":
        return dict(env)
    everything = env.get("LC_ALL", "")  # which is above each of the others
    kept = {key: value for key, value in env.items() if not (everything and key.startswith("LC_"))}
    return {**kept, **({"LANG": everything} if everything else {}), "LC_MESSAGES": "C"}


def run(*argv: str, env: Mapping[str, str] | None = None) -> str:
    """Run the step *argv* and return its stdout.

    Raises `CommandError` when it fails, `SessionError` when the program is not installed.
    """
    command = shlex.join(argv)
    echo(command)
    result = _Runner(_context).run(
        command, hide="both", warn=True, echo=False, dry=False, pty=False, in_stream=False,
        encoding="utf-8", env=understood(argv, env or environment()), replace_env=True,
    )  # fmt: skip
    assert result is not None  # only a disowned command has no result
    if result.failed:
        raise failure(argv, result.return_code, result.stderr)
    return str(result.stdout)


def read(
    *argv: str,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    cwd: Path | None = None,
    apart: bool = False,
    given: str | None = None,
) -> str:
    """Return what *argv* prints, *given* its stdin; without *check* a failing program's output is returned as well.

    One that runs *apart* is not reached by a ^C in our terminal.
    """
    fed: dict[str, Any] = {"stdin": subprocess.DEVNULL} if given is None else {"input": given}
    return _completed(argv, env, check, cwd=cwd, start_new_session=apart, **fed).stdout


def heard(*argv: str) -> tuple[str, str]:
    """Return what *argv*, which must succeed, prints, and what it says on stderr."""
    result = _completed(argv, None, check=True, stdin=subprocess.DEVNULL)
    return result.stdout, result.stderr


def _completed(
    argv: tuple[str, ...], env: Mapping[str, str] | None, check: bool, **how: Any
) -> "subprocess.CompletedProcess[str]":
    echo(shlex.join(argv))
    try:
        result = subprocess.run(
            argv, env=understood(argv, env or environment()), capture_output=True, encoding="utf-8",
            errors="surrogateescape", check=False, **how,
        )  # fmt: skip
    except FileNotFoundError:
        raise failure(argv, 127, "") from None
    if check and result.returncode:
        raise failure(argv, result.returncode, result.stderr)
    return result


def echo(command: str) -> None:
    """Show *command* where `inv --echo` asks for it."""
    if _context.config.run.echo:
        narration.say(f"+ {command}")


def failure(argv: tuple[str, ...], code: int, stderr: str) -> SessionError:
    """Return the error that *argv* ended with *code*: 127 is also how a shell, or git's hook, lacks another program."""
    if code == 127 and shutil.which(argv[0]) is None:
        return SessionError(f"{argv[0]} is not installed or not on PATH; install the package '{argv[0]}'")
    words = [word for word in argv if not word.startswith(("-", "/")) and "=" not in word][:3]
    return CommandError(" ".join(words), code, stderr)
