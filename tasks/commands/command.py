"""What every task here has in common: an optional NAME, and failures of the machine told in one line."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from .invoke_extensions import SessionTask

if TYPE_CHECKING:
    from ..errors import SessionError

_CORE = ("libtmux", "dotenv", "tabulate", "psutil")  # the modules that every task needs
NAME = {"name": "session name (default: that of the worktree you are in)"}
NAMES = {"name": "session names, separated by spaces or commas (default: that of the worktree you are in)"}
JSON = {"json": "print JSON"}
CHANGED = {"yes": "approve what was changed in the session's row since session.add"}


def answer(text: str, verbatim: bool = False, paint: Callable[[str], str] | None = None) -> None:
    """Print *text* as the task's answer, *verbatim* for a shell to read it, in the colours of *paint*."""
    from ..system import terminal

    terminal.print_answer(text, verbatim, paint)


def answer_done(text: str) -> None:
    """Print *text*, whose first sentence says what was done."""
    from ..system import terminal

    terminal.print_answer(text, paint=terminal.paint_done)


def as_json(value: object) -> str:
    """Return *value* as JSON for people and programs."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def fail_with(messages: Sequence[str]) -> None:
    """End the task with *messages*, if there are any."""
    if messages:
        from ..errors import SessionError

        raise SessionError("\n".join(messages))


def _fault(error: OSError | ValueError) -> SessionError | None:
    """Return what *error* is to a person; None for a mistake of ours."""
    from ..errors import SessionError

    if isinstance(error, OSError):
        from ..errors import describe_error

        return SessionError(describe_error(error))
    if isinstance(error, UnicodeEncodeError):  # a terminal, YAML or JSON can give us what is not text
        return SessionError(f"{error.object[error.start : error.end]!r} is not valid UTF-8.")
    nul = "A value in invoke.yaml has a NUL character, which no program accepts. Remove it."
    return SessionError(nul) if str(error).startswith("embedded null") else None


def _require_modules(modules: Sequence[str]) -> None:
    if not all(find_spec(module) for module in modules):
        from . import packages

        raise packages.missing_packages(modules)


def command(*positional: str, needs: tuple[str, ...] = (), **options: Any) -> Callable[..., Any]:
    """Return the decorator of a task whose *positional* arguments may be left out when their default is ''.

    It *needs* these modules, besides what every task does. The *options* are Invoke's: aliases, help, and as `optional`
    the flags whose value may be left out.
    """

    def decorate(body: Callable[..., None]) -> Any:
        @functools.wraps(body)
        def guarded(context: Context, *args: Any, **kwargs: Any) -> None:
            from ..errors import SessionError

            try:
                _require_modules((*_CORE, *needs))
                from ..system import shell

                shell.use_context(context)
                body(context, *args, **kwargs)
                sys.stdout.flush()
            except BrokenPipeError:  # whoever read our answer has seen enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            except KeyboardInterrupt:  # Invoke would end without a word
                from ..errors import Interrupted

                raise Interrupted(2) from None
            except (SessionError, OSError, ValueError) as error:
                message = error if isinstance(error, SessionError) else _fault(error)
                if message is None:
                    raise
                from ..errors import OutcomeError
                from ..system import terminal

                told = terminal.told_text if isinstance(message, OutcomeError) else terminal.told_error
                message.message = told(str(message))
                raise message from None

        return SessionTask(guarded, positional=positional, **options)

    return decorate
