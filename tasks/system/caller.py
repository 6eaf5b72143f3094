"""What the machine that runs us over SSH handed over, in one environment variable: what only it knows of the fleet."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from typing import NamedTuple

from . import shape, terminal

_FORM = shape.fields_form(
    {},
    {
        **dict.fromkeys(("host", "base", "owner"), shape.TEXT), "ports": shape.list_form(shape.COUNT),
        "tasks": shape.TEXTS, "still": shape.SWITCH,
    },
)  # fmt: skip
_COMMAND = re.compile(r"\binv session\.([a-z]+)")


class Caller(NamedTuple):
    """The machine that a person is at; empty where nobody called."""

    host: str = ""  # what this machine is called there
    base: str = ""  # the branch there whose commit a new session starts from
    owner: str = ""  # who is there
    ports: tuple[int, ...] = ()  # those that sessions of other machines have
    still: bool = False  # whether the session that arrives is not to be started
    tasks: tuple[str, ...] = ()  # those of `fleet` that do there what `session` does here


def find_caller() -> Caller:
    """Return what was handed over; nothing where it is no answer of ours."""
    try:
        given = json.loads(os.environ.get(terminal.CALLED, "{}"))
    except ValueError:
        return Caller()
    if _FORM(given, ""):
        return Caller()
    lists = {key: tuple(given.get(key, ())) for key in ("ports", "tasks")}
    return Caller(**{**{key: value for key, value in given.items() if key in Caller._fields}, **lists})


def hand_over(caller: Caller) -> dict[str, str]:
    """Return the environment that tells another machine about *caller*."""
    return {terminal.CALLED: json.dumps({key: value for key, value in caller._asdict().items() if value})}


def in_its_words(text: str) -> str:
    """Return *text* with the commands that a person types there, not here."""
    return fleet_words(text, find_caller().tasks)


def fleet_words(text: str, tasks: Collection[str]) -> str:
    """Return *text* with the commands of `fleet` for those of `session`, where they are among *tasks*."""
    return _COMMAND.sub(lambda match: f"inv fleet.{match[1]}" if match[1] in tasks else match[0], text)
