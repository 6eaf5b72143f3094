"""What every task here has in common: an optional NAME, and failures of the machine told in one line."""

from __future__ import annotations

import codecs
import functools
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from invoke.context import Context
from invoke.parser import Argument
from invoke.parser.parser import ParseMachine
from invoke.tasks import Task

from . import shell, terminal
from .errors import SessionError, told

NAME = {"name": "the session; inside its worktree it may be left out"}


def _as_in_json(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # we register it for nothing else
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error("as_in_json", _as_in_json)


def answer(text: str, verbatim: bool = False) -> None:
    """Print *text*: stdout is the answer; what its encoding does not have, or a terminal would obey, is escaped.

    What a shell is to read comes *verbatim*.
    """
    text = text if verbatim else terminal.plain(text)
    try:
        print(text)
    except UnicodeEncodeError:
        print(text.encode(sys.stdout.encoding, "as_in_json").decode(sys.stdout.encoding))
    sys.stdout.flush()


def as_json(value: object) -> str:
    """Return *value* as JSON for people and programs."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def fail(messages: Sequence[str]) -> None:
    """End the task with *messages*, if there are any."""
    if messages:
        raise SessionError("\n".join(messages))


class _Argument(Argument):
    """One that is copied in one step: Invoke copies those of every task each time that it starts."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> Argument:
        copy = object.__new__(type(self))
        copy.__dict__ = {key: list(value) if isinstance(value, list) else value for key, value in vars(self).items()}
        return copy


class _Optional(_Argument):
    """A positional argument that may be left out, which Invoke does not have."""


class _Command(Task):  # type: ignore[type-arg]
    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        taken = taken_names if name == "host" else taken_names | {"h"}  # elsewhere -h asks for help
        return super().arg_opts(name, default, taken)

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        said = dict(self.help)
        arguments: list[Argument] = super().get_arguments(ignore_unknown_help)
        self.help = said  # Invoke takes each text out of it, so that a second question would find none
        for argument in arguments:
            argument.__class__ = _Argument
            if argument.positional and argument.default == "":
                argument.__class__, argument.default = _Optional, None
        return arguments


def _fault(error: OSError | ValueError) -> SessionError | None:
    """Return what *error* is to a person; None for a mistake of ours."""
    if isinstance(error, OSError):
        return SessionError(told(error))
    if isinstance(error, UnicodeEncodeError):  # a terminal, YAML or JSON can give us what is no text
        return SessionError(f"{error.object[error.start : error.end]!r} is no text; expected UTF-8")
    nul = "a value has a NUL character, which no program takes; look for it in invoke.yaml"
    return SessionError(nul) if str(error).startswith("embedded null") else None


def command(*positional: str, aliases: tuple[str, ...] = (), help: dict[str, str] | None = None) -> Callable[..., Any]:
    """Return the decorator of a task whose *positional* arguments may be left out when their default is ''."""

    def decorate(body: Callable[..., None]) -> Any:
        @functools.wraps(body)
        def guarded(context: Context, *args: Any, **kwargs: Any) -> None:
            shell.use(context)
            try:
                body(context, *args, **kwargs)
                sys.stdout.flush()
            except BrokenPipeError:  # whoever read our answer has seen enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            except SessionError as error:
                error.message = terminal.told(str(error))
                raise
            except (OSError, ValueError) as error:
                found = _fault(error)
                if found is None:
                    raise
                raise found from None

        return _Command(guarded, positional=positional, aliases=aliases, help=help or {})

    return decorate


def _complete_context(machine: ParseMachine) -> None:
    if machine.context:
        helped = machine.initial and machine.initial.flags["--help"].value == machine.context.name
        for argument in machine.context.missing_positional_args:
            if isinstance(argument, _Optional) or (helped and isinstance(argument, _Argument)):
                argument.set_value("", cast=False)
    _originals["complete_context"](machine)


def _see_positional(machine: ParseMachine, value: str) -> None:
    """Take *value* for what is missing, unless it asks for help."""
    flag = (
        machine.initial.flags[value] if machine.initial and value in machine.initial.flags else None
    )  # -h is an alias
    if flag and flag.name == "help" and isinstance(machine.context.missing_positional_args[0], _Argument):
        flag.value = machine.context.name
    else:
        _originals["see_positional_arg"](machine, value)


# Invoke's parser asks its contexts, not the arguments, whether a positional is missing; only ours are let through.
_KEPT = "_before_optional"
_originals: dict[str, Callable[..., None]] = getattr(ParseMachine, _KEPT, {}) or {
    name: getattr(ParseMachine, name) for name in ("complete_context", "see_positional_arg")
}
setattr(ParseMachine, _KEPT, _originals)
setattr(ParseMachine, "complete_context", _complete_context)
setattr(ParseMachine, "see_positional_arg", _see_positional)
