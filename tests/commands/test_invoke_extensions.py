"""Which of Invoke's names our extensions of it stand on: a new Invoke that changes one fails here, and says which."""

import copy
import importlib
import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import Any, cast

import invoke.program
import pytest
from invoke import task
from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import ParseError
from invoke.parser import Argument, Parser, ParserContext
from invoke.parser.parser import ParseMachine
from invoke.program import Program
from invoke.tasks import Task

from tasks.commands import invoke_extensions
from tasks.commands.command import command

_CALLED: dict[str, tuple[Callable[..., Any], list[str]]] = {
    "ParseMachine.complete_context": (invoke_extensions._originals["complete_context"], ["self"]),
    "ParseMachine.see_positional_arg": (invoke_extensions._originals["see_positional_arg"], ["self", "value"]),
    "ParseMachine.handle": (invoke_extensions._originals["handle"], ["self", "token"]),
    "Parser.parse_argv": (invoke_extensions._originals["parse_argv"], ["self", "argv"]),
    "Program.parse_cleanup": (invoke_extensions._originals["parse_cleanup"], ["self"]),
    "Program.print_task_help": (invoke_extensions._originals["print_task_help"], ["self", "name"]),
    "Program._make_pairs": (invoke_extensions._originals["_make_pairs"], ["self", "coll", "ancestors"]),
    "Collection.to_contexts": (invoke_extensions._originals["to_contexts"], ["self", "ignore_unknown_help"]),
    "ParserContext": (ParserContext, ["name", "aliases", "args"]),
    "Task.arg_opts": (Task.arg_opts, ["self", "name", "default", "taken_names"]),
    "Task.get_arguments": (Task.get_arguments, ["self", "ignore_unknown_help"]),
    "program.complete": (
        getattr(invoke.program, "complete"),  # noqa: B009
        ["names", "core", "initial_context", "collection", "parser"],
    ),
}


@pytest.mark.parametrize("name", _CALLED)
def test_invoke_still_has_what_is_replaced_with_the_same_parameters(name: str) -> None:
    function, parameters = _CALLED[name]

    assert list(inspect.signature(function).parameters) == parameters, f"Invoke's {name} takes something else now"


def test_invoke_still_has_what_the_replacements_ask() -> None:
    context = ParserContext("task", args=[Argument("name", positional=True)])

    assert [argument.name for argument in context.missing_positional_args] == ["name"]
    assert Argument("name", positional=True, default="").default == ""
    assert all(hasattr(Argument("x"), name) for name in ("positional", "default", "set_value", "value", "names"))
    assert inspect.signature(Argument.set_value).parameters["cast"].default is True
    assert hasattr(ParseMachine, "complete_context")
    assert inspect.signature(ParseError.__init__).parameters["context"].default is None
    assert list(inspect.signature(ParseMachine.switch_to_flag).parameters) == ["self", "flag", "inverse"]
    assert hasattr(context.flags, "aliases")
    assert "help" in inspect.signature(Task.__init__).parameters
    assert set(vars(context)) == {"name", "aliases", *invoke_extensions._OF_ARGUMENTS}


def _core() -> ParserContext:
    return ParserContext(args=[Argument("help")])


@pytest.mark.parametrize("words", [["nothing"], ["--nothing"]])
def test_invoke_still_says_in_the_same_words_what_it_cannot_place(words: list[str]) -> None:
    with pytest.raises(ParseError, match=r"^No idea what '-*nothing' is!$"):
        invoke_extensions._originals["parse_argv"](Parser(initial=_core()), words)


def test_invoke_still_says_in_the_same_words_what_is_missing() -> None:
    arguments = [Argument("name", positional=True), Argument("prompt")]
    parser = Parser(contexts=[ParserContext("task", args=arguments)], initial=_core())

    with pytest.raises(ParseError, match="required positional arguments"):
        invoke_extensions._originals["parse_argv"](parser, ["task"])
    with pytest.raises(ParseError, match=r"^Flag <\w+: prompt.* needed value"):
        invoke_extensions._originals["parse_argv"](parser, ["task", "x", "--prompt"])


def test_a_second_load_does_not_take_our_functions_for_the_originals() -> None:
    importlib.reload(invoke_extensions)

    assert invoke_extensions._originals["complete_context"].__module__ == "invoke.parser.parser"
    assert ParseMachine.complete_context.__module__ == invoke_extensions.__name__


def _late(calls: list[str]) -> Collection:
    """Return a collection of two tasks that note in *calls* when they are loaded and what they are called with."""

    @cache
    def load(name: str) -> invoke_extensions.SessionTask:
        calls.append(f"load {name}")

        @command("what", help={"what": "something", "loud": "or not"})
        def task(_c: Context, what: str = "", loud: bool = False) -> None:
            """Say it."""
            calls.append(f"{name} {what} {loud}")

        return cast(invoke_extensions.SessionTask, task)

    collection = Collection("session")
    for name, aliases in (("show", ("look",)), ("stop", ())):
        collection.add_task(invoke_extensions.LateTask(name, aliases, partial(load, name)))
    return collection


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("session.stop", ["load stop", "stop  False"]),
        ("our.session.look a", ["load show", "show a False"]),
        ("session.show a session.show --loud b session.show a", ["load show", "show a False", "show b True"]),
        ("session.show a session.stop a", ["load show", "load stop", "show a False", "stop a False"]),
        ("own", ["load stop", "stop  False", "own"]),
    ],
)
def test_a_task_is_loaded_when_it_is_its_turn(words: str, expected: list[str]) -> None:
    """Under any name, in chains, as the `pre` of a task of the repository's own; Invoke runs the same call once."""
    calls: list[str] = []
    ours = _late(calls)
    root = Collection()
    nested = Collection("our")
    nested.add_collection(copy.deepcopy(ours))
    for below in (ours, nested):
        root.add_collection(below)

    @task(pre=[ours.tasks["stop"]])
    def own(_c: Context) -> None:
        calls.append("own")

    root.add_task(own)

    Program(namespace=root).run(["inv", *words.split()], exit=False)

    assert calls == expected


def test_a_word_that_is_no_task_loads_none_and_the_near_one_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[str] = []
    root = Collection(_late(calls))

    Program(namespace=root).run(["inv", "session.show", "a", "session.stpo"], exit=False)

    assert 'Did you mean "session.stop"?' in capsys.readouterr().err
    assert calls == ["load show"]


def test_the_list_and_help_have_the_texts_of_each_copy(capsys: pytest.CaptureFixture[str]) -> None:
    ours = _late([])
    program = Program(namespace=Collection(ours, other=copy.deepcopy(ours)))

    for words in (["--list"], ["--help", "session.show"], ["--help", "other.look"]):
        program.run(["inv", *words], exit=False)
    shown = capsys.readouterr().out

    assert (shown.count("Say it."), shown.count("or not")) == (6, 2)
