"""What Tab offers beyond Invoke's tasks and flags: sessions, windows, hosts, presets.

Invoke's own scripts for bash, zsh and fish ask `inv --complete`. They drop an empty last word, so that a complete word
and the beginning of the next look the same: what fits either is offered, and the shell keeps what fits.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import invoke.program
from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.parser import Argument
from invoke.tasks import Task

from .errors import SessionError

_original: Callable[..., Any] = getattr(invoke.program, "complete")  # noqa: B009
_FLAG = "-"  # a flag that is being typed
_FILES = "prompt-file"  # where the shell offers files, if nobody else offers anything


def extend() -> None:
    """Have `inv --complete` offer the values of our tasks' arguments as well, and never fail aloud."""
    setattr(invoke.program, "complete", _complete)
    sys.excepthook = lambda *_: None  # such as Invoke's traceback for an invoke.yaml that is broken


def _complete(**asked: Any) -> None:
    """Print what fits and end at once: unloading modules would take a seventh of all the time."""
    with contextlib.suppress(Exit):
        _offer(**asked)
    sys.stdout.flush()
    os._exit(0)


def _offer(names: list[str], core: Any, initial_context: Any, collection: Collection, parser: Any) -> None:
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            words = shlex.split(re.sub(rf"^({'|'.join(names)}) ", "", core.remainder))
        except ValueError:  # a quotation that is still open: text of the person's own
            raise Exit from None
        name, given = _current(words, collection)
        found, whole = _found(name, collection, given) if name else ([], False)
        if found:
            print("\n".join(dict.fromkeys(found)))
        if whole:
            raise Exit
        _original(names, core, initial_context, collection, parser)


def _current(words: list[str], collection: Collection) -> tuple[str, list[str]]:
    """Return the last task that is named in *words*, and the words after it."""
    known = {name for names in collection.task_names.items() for name in (names[0], *names[1])}
    for index in range(len(words) - 1, -1, -1):
        if words[index] in known and words[index].startswith(("session.", "fleet.", "embed")):
            return words[index], words[index + 1 :]
    return "", []


def _found(name: str, collection: Collection, given: list[str]) -> tuple[list[str], bool]:
    """Return what can stand for the last word, or after it, and whether Invoke has nothing to add to that."""
    here = _standing(collection[name], given)
    if here.argument == _FLAG:
        return [], False
    last = given[-1] if given else ""
    own = _values(here.argument, name, here.said) if here.argument else []
    if here.prefix:  # of --window=backend bash 3 completes what is after the sign, and the others all of it
        return [*(here.prefix + value for value in own), *own], True
    if here.begins or (own and last not in own):
        return own, True
    if here.argument == _FILES and not os.path.isfile(os.path.expanduser(last)):
        return [], True
    following = _values(here.following, name, here.said) if here.following else []
    if following and not given:  # the word may be a task's name that is not complete
        tasks = [each for each in collection.task_names if each.startswith(name)]
        following += tasks if len(tasks) > 1 else []
    more = bool(following or (here.argument and not own))  # else another task may follow
    return [*(value for value in own if value.startswith(last)), *following], more


def _values(argument: str, task: str, said: dict[str, str]) -> list[str]:
    from .answers import offers  # most completions are of tasks and flags, and import none of it

    try:
        return offers.of(argument, task, said)
    except (SessionError, OSError):
        return []


@dataclass
class _Standing:
    """What the last word is for: an *argument*, whose value *begins* after it, or is in it after a *prefix*."""

    argument: str = ""
    prefix: str = ""
    begins: bool = False
    following: str = ""  # the argument that the next word would be for
    said: dict[str, str] = field(default_factory=dict)


def _standing(task: Task[Any], given: Sequence[str]) -> _Standing:
    flags, places, here = _flags(task), list(task.positional), _Standing()
    for word in given:
        flag, equals, value = word.partition("=")
        here.prefix = ""
        if here.begins and word == "=":  # bash splits --window=backend into three words
            continue
        if here.begins:
            here.begins, here.said[here.argument] = False, word
        elif word in flags:
            here.begins, here.argument = (
                flags[word].takes_value,
                str(flags[word].name) if flags[word].takes_value else "",
            )
        elif equals and flag in flags:
            here.argument, here.prefix = str(flags[flag].name), f"{flag}="
            here.said[here.argument] = value
        elif word.startswith(_FLAG):
            here.argument = _FLAG
        else:
            here.argument = places.pop(0) if places else ""
            here.said[here.argument] = word
        places = [each for each in places if each not in here.said]
    here.following = places[0] if places else ""
    return here


def _flags(task: Task[Any]) -> dict[str, Argument]:
    named = ((name, argument) for argument in task.get_arguments() for name in argument.names)
    return {("--" if len(name) > 1 else "-") + name: argument for name, argument in named}
