"""What Invoke's parser and completion do not offer, and is put into them here: nowhere else is Invoke changed.

Tasks that are imported when it is their turn, positional arguments that may be left out, `-h` and `--help` behind a
task, near misses for unknown words, the order of `inv --list`, and values behind Tab. The file
`tests/commands/test_invoke_extensions.py` says which of Invoke's names this stands on.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from invoke.collection import Collection
from invoke.exceptions import Exit, ParseError
from invoke.parser import Argument, Parser, ParserContext
from invoke.parser.parser import ParseMachine
from invoke.program import Program
from invoke.tasks import Task

# A letter means the same in every task; options that are not here have none. `-h` asks for help.
TEXTS = ("line", "text")  # a command or message: it may look like an option, and is easily left without quotes
SHORT_FLAGS = {
    "all": "a", "dry_run": "n", "force": "f", "host": "H", "json": "j", "prompt": "m", "text": "m", "wait": "w",
    "yes": "y",
}  # fmt: skip
# Tasks whose NAME may be followed by others; one that is a task's name is that task, as everywhere in Invoke.
SEVERAL = (
    "session.remove", "session.stop", "session.start", "session.resume", "session.logs", "session.prune",
    "session.merge", "session.setup", "session.diff",
)  # fmt: skip


class OptionalArgument(Argument):
    """A positional argument that may be left out, which Invoke does not have."""


class SessionTask(Task):  # type: ignore[type-arg]
    """A task whose positional arguments may be left out when their default is ''."""

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        """Return Invoke's options of the argument *name*, with the short form that was chosen for it, if any."""
        self.auto_shortflags = False  # Invoke takes the first letter that is free: another one in each task
        options = super().arg_opts(name, default, taken_names)
        options["names"] += [SHORT_FLAGS[name]] if name in SHORT_FLAGS else []
        return options

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return the task's arguments, each with its help, however often it is asked."""
        texts, self.help = self.help, dict(self.help)  # Invoke takes out each text: a second question would find none
        arguments: list[Argument] = super().get_arguments(ignore_unknown_help)
        self.help = texts
        for argument in arguments:
            if argument.positional and argument.default == "":
                argument.__class__, argument.default = OptionalArgument, None
        return arguments


class LateTask(SessionTask):
    """A task of which only the names are known until something else is asked of it: then *load* returns it."""

    def __init__(self, name: str, aliases: Sequence[str], load: Callable[[], SessionTask]) -> None:
        self._name, self.aliases, self.is_default, self._load = name, tuple(aliases), False, load

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__") or "_load" not in vars(self):  # a copy asks before it has anything
            raise AttributeError(key)
        names = {"_name": self._name, "aliases": self.aliases}
        vars(self).update({**vars(vars(self).pop("_load")()), **names})
        return getattr(self, key)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return str(self.body.__doc__)


class _Context(ParserContext):
    """What the parser knows of a task of ours: its names, and its arguments once it comes to it."""

    def __init__(self, name: str, aliases: Sequence[str], task: SessionTask) -> None:
        self.name, self.aliases, self._task = name, aliases, task

    def __getattr__(self, key: str) -> Any:
        if key not in _OF_ARGUMENTS:
            raise AttributeError(key)
        super().__init__(self.name, self.aliases, self._task.get_arguments())
        return vars(self)[key]

    def __deepcopy__(self, _memo: dict[int, Any]) -> _Context:
        """Return one whose arguments have no values yet: Invoke copies all of them, and then the one that it fills."""
        return _Context(str(self.name), list(self.aliases), self._task)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


def _to_contexts(collection: Collection, ignore_unknown_help: bool | None = None) -> list[ParserContext]:
    def context(name: str, aliases: Sequence[str]) -> ParserContext:
        task = collection[name]
        if isinstance(task, SessionTask):
            return _Context(name, aliases, task)
        return ParserContext(name, aliases, task.get_arguments(ignore_unknown_help=ignore_unknown_help))

    return [context(name, aliases) for name, aliases in collection.task_names.items()]


def _complete_context(machine: ParseMachine) -> None:
    if machine.context:
        helped = machine.initial and machine.initial.flags["--help"].value == machine.context.name
        for argument in machine.context.missing_positional_args:
            if isinstance(argument, OptionalArgument) or (helped and is_ours(machine.context)):
                argument.set_value("", cast=False)
    _originals["complete_context"](machine)


def _see_positional(machine: ParseMachine, value: str) -> None:
    """Take *value* for the argument that is missing, unless it asks for help, or is an option."""
    flags = machine.initial.flags if machine.initial else {}
    flag = flags[value] if value in flags else None  # noqa: SIM401  -h is an alias, which `get` does not find
    missing = machine.context.missing_positional_args[0]
    ours = is_ours(machine.context)
    options = ours and missing.name not in TEXTS
    if ours and flag and flag.name == "help":
        flag.value = machine.context.name
    elif options and flag:
        machine.switch_to_flag(value)
    elif options and len(value) > 1 and value.startswith("-"):
        machine.error(f"No idea what {value!r} is!")
    else:
        _originals["see_positional_arg"](machine, value)


def is_ours(context: ParserContext) -> bool:
    """Return whether *context* is of a task of ours."""
    return isinstance(context, _Context)


def _handle(machine: ParseMachine, token: str) -> None:
    """Note in an error which word it is about; a short option of Invoke itself is none of a task of ours."""
    try:
        if _is_core_flag(machine, token):
            machine.error(f"No idea what {token!r} is!")
        _originals["handle"](machine, token)
    except ParseError as error:
        if not _is_further_name(machine, token):
            setattr(error, _WORD, token)
            raise
        names = machine.context.args["name"]
        names.set_value(f"{names.value},{token}", cast=False)


def _is_core_flag(machine: ParseMachine, token: str) -> bool:
    context, core = machine.context, machine.initial
    if not (core and context) or context is core or machine.waiting_for_flag_value or not is_ours(context):
        return False
    missing = context.missing_positional_args
    text = bool(missing) and missing[0].name in TEXTS
    return not text and re.fullmatch("-[^-h]", token) is not None and token in core.flags and token not in context.flags


def _is_further_name(machine: ParseMachine, token: str) -> bool:
    context = machine.context
    takes = context is not None and context.name in SEVERAL and not token.startswith(("-", "session.", "fleet."))
    return takes and bool(context.args["name"].value) and not machine.waiting_for_flag_value


def _parse_argv(parser: Parser, argv: list[str]) -> Any:
    """Explain what is wrong with *argv*, but for Tab, which goes on with what is there."""
    try:
        return _originals["parse_argv"](parser, argv)
    except ParseError as error:
        if "--complete" in sys.argv:
            raise
        from . import wrong_words

        said = wrong_words.explain_error(error, getattr(error, _WORD, ""), parser.contexts, argv)
        raise ParseError(said, error.context) from None


def _parse_cleanup(program: Program) -> None:
    """Explain what is wrong with the task that help is asked for."""
    name = program.args.help.value
    if isinstance(name, str) and name not in program.parser.contexts:
        from . import wrong_words

        raise ParseError(wrong_words.explain_help(name, program.parser.contexts))
    try:
        _originals["parse_cleanup"](program)
    except Exit as error:
        if not (error.message or "").startswith("Sub-collection"):
            raise
        from . import wrong_words

        said = wrong_words.explain_group(str(program.args.list.value), program.collection.collections)
        raise ParseError(said) from None


def _print_task_help(program: Program, name: str) -> None:
    if not is_ours(program.parser.contexts[name]):
        _originals["print_task_help"](program, name)
        return
    from . import task_help

    task_help.print_help(program, name)


def _make_pairs(program: Program, coll: Collection, ancestors: list[str] | None = None) -> Any:
    """Return the lines of `inv --list`: our tasks in the order in which they were added, without their other names."""
    pairs = _originals["_make_pairs"](program, coll, ancestors)
    if program.list_format != "flat" or ancestors:
        return pairs
    place: dict[str, int] = {}
    for name, task in _tasks_in_order(coll, ""):
        place[name] = len(place) if isinstance(task, SessionTask) else -1  # which keeps Invoke's order
    prefix = "." if program.list_root else ""
    ranked = [(place.get(full.split(" ")[0].removeprefix(prefix), -1), full, text) for full, text in pairs]
    ranked.sort(key=lambda each: each[0])
    return [(full.split(" ")[0] if rank >= 0 else full, text) for rank, full, text in ranked]


def _tasks_in_order(coll: Collection, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, task in coll.tasks.items():
        yield f"{prefix}{name}", task
    for name, below in coll.collections.items():
        yield from _tasks_in_order(below, f"{prefix}{name}.")


def complete_with(function: Callable[..., None]) -> Callable[..., Any]:
    """Have `inv --complete` call *function*, quietly whatever fails, and return what Invoke would have called."""
    import invoke.program

    original: Callable[..., Any] = getattr(invoke.program, "complete")  # noqa: B009
    setattr(invoke.program, "complete", function)
    sys.excepthook = lambda *_: None  # such as Invoke's traceback for an invoke.yaml that is broken
    return original


# Invoke's parser asks its contexts, not the arguments, whether a positional is missing; only ours are let through.
_OF_ARGUMENTS = ("args", "positional_args", "flags", "inverse_flags")  # what Invoke makes of a task's arguments
_WORD = "unknown_word"
_KEPT = "_before_sessions"
_REPLACED: dict[str, tuple[type[Any], Callable[..., Any]]] = {
    "complete_context": (ParseMachine, _complete_context),
    "see_positional_arg": (ParseMachine, _see_positional),
    "handle": (ParseMachine, _handle),
    "parse_argv": (Parser, _parse_argv),
    "parse_cleanup": (Program, _parse_cleanup),
    "print_task_help": (Program, _print_task_help),
    "_make_pairs": (Program, _make_pairs),
    "to_contexts": (Collection, _to_contexts),
}
_originals: dict[str, Callable[..., Any]] = getattr(ParseMachine, _KEPT, {}) or {
    name: getattr(owner, name) for name, (owner, _ours) in _REPLACED.items()
}
setattr(ParseMachine, _KEPT, _originals)
for _name, (_owner, _ours) in _REPLACED.items():
    setattr(_owner, _name, _ours)
