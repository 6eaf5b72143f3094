"""A session as a row of the registry, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import ports, registry
from .errors import SessionError
from .model import Repository, Session
from .parts import Agent, Compose, Window
from .planning import names

if TYPE_CHECKING:
    from .settings import Settings

_FACTS = (
    "slug tmux state base start tip creates_branch tracks project preset created conversation component profile"
    " issue eta activate archive adopts merged merged_tip merged_into merged_as"
).split()
_LISTS = ("copy", "link", "setup", "setup_done", "env_files", "verify", "scope")

_COMPOSE: dict[str, Any] = {"file": str, "project": str, "mode": str, "wait": (int, float), "keeps_volumes": bool}


def row(session: Session) -> registry.Row:
    """Return the row of *session*: the ports, worktree and branch first, then everything else that was decided."""
    facts = {fact: getattr(session, fact) for fact in _FACTS}
    windows = [{k: v for k, v in asdict(window).items() if v} for window in session.windows]
    return {
        **session.ports, "worktree": str(session.worktree), "branch": session.branch, "ports": list(session.ports),
        **facts, "copy": list(session.copy), "link": list(session.link), "setup": list(session.setup),
        "setup_done": list(session.setup_done), "env_files": list(session.env_files), "verify": list(session.verify),
        "scope": list(session.scope),
        "env": {file: dict(values) for file, values in session.env.items()}, "variables": dict(session.variables),
        "windows": windows, "work_log": dict(session.work_log), **compose(session),
        "agent": {**asdict(session.agent), "args": list(session.agent.args)},
    }  # fmt: skip


def compose(session: Session) -> registry.Row:
    """Return what the row says of the containers of *session*: nothing when it has none."""
    return {"compose": asdict(session.compose)} if session.compose else {}


def session(name: str, row: registry.Row, repository: Repository, settings: Callable[[], Settings]) -> Session:
    """Return the session of a *row*; what a row of another tool does not say follows from the *settings* of today.

    Raises `SessionError` when the row holds a value of a wrong type.
    """
    where = {"worktree": Path(row["worktree"]).expanduser(), "branch": row["branch"], "ports": ports.in_row(row)}
    try:
        if "windows" not in row:
            return _foreign(name, where, repository, settings())
        facts: dict[str, Any] = {fact: row[fact] for fact in _FACTS if fact in row}
        lists: dict[str, Any] = {key: tuple(row.get(key, ())) for key in _LISTS}
        windows = tuple(Window(**window) for window in row["windows"])
        _check(facts, row.get("ports", []))
        tables: dict[str, Any] = {key: row.get(key, {}) for key in ("env", "variables", "work_log")}
        made = {**where, **facts, **lists, **tables, "windows": windows, "compose": _compose(row.get("compose"))}
        made["agent"] = _agent(row.get("agent", {}))
        return Session(name=name, repository=repository, **made)
    except (TypeError, KeyError, ValueError) as error:
        file = registry.path(repository)
        raise SessionError(
            f"{file}: the row of {name!r} cannot be used: {error!r}; mend it, it was not changed"
        ) from None


def _agent(said: dict[str, Any]) -> Agent:
    words = said.get("args", [])
    if not all(isinstance(word, str) for word in (*words, *(said[key] for key in said if key != "args"))):
        raise TypeError(f"agent: {said!r}")
    return Agent(**{**said, "args": tuple(words)})


def _check(facts: dict[str, Any], keys: list[Any]) -> None:
    if not all(isinstance(key, str) for key in keys):
        raise TypeError(f"ports: {keys!r}")
    for fact, value in facts.items():
        if not isinstance(value, bool if fact == "creates_branch" else str):
            raise TypeError(f"{fact}: {value!r}")
    if facts.get("created"):
        datetime.fromisoformat(facts["created"])


def _compose(found: dict[str, Any] | None) -> Compose | None:
    if found is None:
        return None
    facts: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in found.items()}
    made = Compose(**facts)
    for name, value in vars(made).items():
        wanted = _COMPOSE.get(name, tuple)
        if not isinstance(value, wanted) or (wanted is tuple and not all(isinstance(each, str) for each in value)):
            raise TypeError(f"compose.{name}: {value!r}")
    return made


def _foreign(name: str, where: dict[str, Any], repository: Repository, settings: Settings) -> Session:
    from .planning import contents  # our own rows need no configuration

    slug, project = names.slug(name), contents.project(settings, repository)
    numbers = {key: str(port) for key, port in where["ports"].items()}
    facts = {"name": name, "slug": slug, "project": project, "main": str(repository.main), "date": "", "component": ""}
    facts |= {"profile": "", "branch": where["branch"], "worktree": str(where["worktree"]), **numbers}
    try:
        decided = contents.decide(settings, facts, where["ports"], repository)
    except SessionError:  # its ports have other keys than the windows of today
        decided = {}
    return Session(
        name=name, slug=slug, repository=repository, **where, tmux=f"{names.slug(project)}-{slug}", project=project,
        **decided,
    )  # fmt: skip
