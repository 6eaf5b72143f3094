"""What to say about words that Invoke's parser can't place: the near miss, and the command that was probably meant."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from invoke.exceptions import ParseError
from invoke.parser import ParserContext

from ..errors import ask_meant, closest_name
from ..system import terminal
from .invoke_extensions import TEXTS, is_ours


def explain_error(error: ParseError, word: str, contexts: Mapping[str, Any], argv: Sequence[str]) -> str:
    """Return what is wrong with *argv*, in which *word* was the one that led to *error*."""
    context: ParserContext | None = error.context
    unknown = str(error).startswith("No idea what")
    if not unknown:
        return terminal.told_error(_missing(str(error), context))
    if word.startswith("-"):
        return terminal.told_error(_unknown_flag(word, context, argv))
    if context and context.name and is_ours(context) and "." not in word:
        return terminal.told_error(_unquoted(context, argv) or _too_many(word, context))
    return terminal.told_error(explain_task(word, contexts, argv))


def explain_help(word: str, contexts: Mapping[str, Any]) -> str:
    """Return that *word*, whose help was asked for, is not a task, and which of *contexts* was probably meant."""
    return terminal.told_error(explain_task(word, contexts, ["--help", word]))


def explain_task(word: str, contexts: Mapping[str, Any], argv: Sequence[str]) -> str:
    """Return that *word* is not a task, and which of *contexts* was probably meant in its place in *argv*."""
    names, index = [*contexts, *getattr(contexts, "aliases", ())], argv.index(word) if word in argv else len(argv)
    groups = list(dict.fromkeys(name.rpartition(".")[0] for name in sorted(names, key=_everyday)))
    following = argv[index + 1] if index + 1 < len(argv) else ""
    if word == "help":
        return f'"help" is not a task.\nRun: inv {_about(argv[index + 1 :], groups, names)}'
    if word in groups and not following:
        return f'"{word}" is a group of tasks, and needs the name of one.\nRun: inv --list {word}'
    has_space = word in groups and not following.startswith("-")
    entry = f"{word}.{following}" if has_space else word
    guess = _closest_task(entry, groups, names)
    if not guess:
        advice = f"inv --list {word}" if word in groups else "inv --list"
        return f'No task "{entry.replace(".", " ") if has_space else entry}".\nRun: {advice}'
    words = [*argv[:index], guess, *argv[index + 1 + has_space :]]
    phrase = entry.replace(".", " ") if has_space else entry
    return f'No task "{phrase}".{ask_meant(guess)}\nRun: {_command(words)}'


def _about(topic: Sequence[str], groups: Sequence[str], names: Sequence[str]) -> str:
    """Return the options of `inv` that tell about the words *topic*."""
    if len(topic) == 1 and topic[0] in groups:
        return f"--list {topic[0]}"
    entry = ".".join(topic)
    task = entry if entry in names else _closest_task(entry, groups, names)
    return f"--help {task}" if task else "--list"


def explain_group(word: str, groups: Mapping[str, Any]) -> str:
    """Return that *word*, whose tasks were to be listed, is none of the *groups*."""
    guess = closest_name(word, groups)
    question, argv = (ask_meant(guess), ["--list", guess]) if guess else ("", ["--list"])
    return terminal.told_error(f'No group of tasks "{word}".{question}\nRun: {_command(argv)}')


def _everyday(name: str) -> tuple[bool, bool]:
    """Order names: those without a group first, and `session` before the others."""
    return "." in name, not name.startswith("session.")


def _closest_task(word: str, groups: Sequence[str], names: Iterable[str]) -> str:
    """Return which of *names* was probably meant by *word*; "" for none.

    Only last parts are compared: a long name of a group would make everything in it alike.
    """
    group, _, last = word.rpartition(".")
    near = group if group in groups else closest_name(group, groups)
    parents = [near] * bool(near) if group else groups
    members = {each: [name.rpartition(".")[2] for name in names if name.rpartition(".")[0] == each] for each in parents}
    for match in (_same_name, closest_name):
        for each, lasts in members.items():
            if close := match(last, lasts):
                return f"{each}.{close}" if each else close
    return ""


def _same_name(name: str, known: Collection[str]) -> str:
    return name if name in known else ""


def _unknown_flag(word: str, context: ParserContext | None, argv: Sequence[str]) -> str:
    task = context.name if context else None
    if context and task and (advice := _unquoted(context, argv)):
        return advice
    flags = [*context.flags, *context.flags.aliases] if context else []
    close = closest_name(word, [flag for flag in flags if flag.startswith("--")], 0.85)
    if close and len(word) > 2:
        words = [re.sub(rf"^{re.escape(word)}(?==|$)", close, each) for each in argv]
        return f"{task or 'inv'} has no option {word}.{ask_meant(close)}\nRun: {_command(words)}"
    return f"{task or 'inv'} has no option {word}.\nRun: inv --help{f' {task}' if task else ''}"


def _unquoted(context: ParserContext, argv: Sequence[str]) -> str:
    """Return how to quote the text that *context* takes last, if it has got the first of several words."""
    last = context.positional_args[-1] if context.positional_args else None
    if not last or last.name not in TEXTS or " " in (last.value or " ") or last.value not in argv:
        return ""
    begin = argv.index(last.value)
    what = "command" if last.name == "line" else "message"
    return f"Quote the {what}.\nRun: {_command([*argv[:begin], ' '.join(argv[begin:])])}"


def _too_many(word: str, context: ParserContext) -> str:
    places = " and ".join(str(each.name).upper() for each in context.positional_args)
    fact = f"takes only {places}" if places else "takes only options"
    return f'Unexpected word "{word}": {context.name} {fact}.\nRun: inv --help {context.name}'


def _missing(sentence: str, context: ParserContext | None) -> str:
    """Return Invoke's sentence about what is missing as one of ours, where it is about a task or an option of ours."""
    if not context:
        return sentence
    run = f"Run: inv --help {context.name}" if context.name else "Run: inv --help"
    if flag := re.search(r"^Flag <\w+: ([\w-]+).* needed value", sentence):
        return f"--{flag[1]} needs a value.\n{run}"
    if "required positional arguments" in sentence and is_ours(context):
        places = " and a ".join(str(each.name).upper() for each in context.missing_positional_args)
        return f"{context.name} needs a {places}.\n{run}"
    return sentence


def _command(words: Sequence[str]) -> str:
    return shlex.join(["inv", *words])
