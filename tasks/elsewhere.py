"""The tasks of a session on the host that has it: they take what they take here, and run there."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from invoke.context import Context

from . import session
from .command import command

WHICH = "the host that has it, when several do"
_NAMES = ("add", "remove", "stop", "start", "resume", "show", "logs", "send", "run")
_HERE = ("all", "attach")  # flags that a host is not asked for


def tasks() -> dict[str, Any]:
    """Return by name the task for each of those that `session` has."""
    return {name: _task(name) for name in _NAMES if name in session.ns.tasks}


def words(asked: dict[str, Any], parameters: list[inspect.Parameter]) -> Iterator[str]:
    """Yield what was *asked*, as `inv` takes it; what is as it is by default is left to the other side."""
    for each in parameters[1:]:
        value, flag = asked.get(each.name, each.default), each.name.replace("_", "-")
        if value in (each.default, None):
            continue
        if isinstance(value, bool):
            yield f"--{flag}" if value else f"--no-{flag}"
        else:
            yield from (f"--{flag}={item}" for item in (value if isinstance(value, list) else [value]))


def _task(name: str) -> Any:
    original = session.ns.tasks[name]
    parameters = [each for each in inspect.signature(original.body).parameters.values() if each.name not in _HERE]

    def body(c: Context, *args: Any, **given: Any) -> None:
        chosen = given.pop("host", "")
        _run(c, name, dict(inspect.Signature(parameters).bind(c, *args, **given).arguments), parameters, chosen)

    body.__doc__ = _explained(name, str(original.__doc__))
    host = inspect.Parameter("host", inspect.Parameter.POSITIONAL_OR_KEYWORD, default="")
    setattr(body, "__signature__", inspect.Signature([*parameters, host]))
    which = "where: one of session.hosts; else the one with most room" if name == "add" else WHICH
    explained = {key: text for key, text in original.help.items() if key not in _HERE}
    explained |= {"name": "the session"} if name != "add" else {}
    return command(*original.positional, aliases=tuple(original.aliases), help={**explained, "host": which})(body)


def _explained(name: str, original: str) -> str:
    """Return the docstring for *name*, with the example of the *original*; here a session must be named."""
    example = original.partition("Example: ")[2].strip().replace("inv session.", "inv fleet.")
    where = "on a host" if name == "add" else "on the host that has the session"
    named = example if " " in example.removeprefix("inv ") else f"{example} feature/login"
    return f"Do what session.{name} does, {where}.\n\n    Example: {named}\n    "


def _run(c: Context, name: str, asked: dict[str, Any], parameters: list[inspect.Parameter], chosen: str) -> None:
    """Run the task *name* with what was *asked* on the *chosen* host, or the one that has the session."""
    from . import choosing
    from .answers import remembered
    from .hosts import adding, finding, foreground

    settings, repository = choosing.settings(c), choosing.here()
    if name == "add":
        place = adding.prepare(asked, settings, repository, chosen)
    else:
        place, _row = finding.find_elsewhere(asked.get("name", ""), settings, repository, chosen)
    arguments = [f"session.{name}", *words(asked, parameters)]
    if name == "run" and foreground.is_terminal():
        foreground.become(place, arguments)
    foreground.end(foreground.run(place, arguments, reads=name == "run"))
    if name in ("add", "remove") and not asked.get("dry_run"):
        remembered.moved(repository, asked.get("name", ""), place.name if name == "add" else "")
    if name == "add":
        adding.tell(asked, place)
