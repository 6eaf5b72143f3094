"""A session as a row of the registry, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import forms, ports, registry
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
# Of these each is noted as it comes to be, in rows of other tools as well.
_NOTED = "state start tip creates_branch conversation merged merged_tip merged_into merged_as archive".split()
_LISTS = ("copy", "link", "setup", "setup_done", "env_files", "verify", "scope")
_PARTS = ("windows", "agent", "compose")
_TABLES: dict[str, forms.Form] = {"env": forms.tables, "variables": forms.table, "work_log": forms.table}
_FORMS: dict[str, forms.Form] = {
    **dict.fromkeys(_FACTS, forms.text), "creates_branch": forms.switch, "created": forms.moment,
    **dict.fromkeys((*_LISTS, "ports"), forms.texts), **dict.fromkeys(_PARTS, forms.parts), **_TABLES,
}  # fmt: skip
_UNUSABLE = (AttributeError, KeyError, RuntimeError, TypeError, ValueError)  # the third is Path's, of a home
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


def session(
    name: str, row: registry.Row, repository: Repository, settings: Callable[[], Settings], file: Path | None = None
) -> Session:
    """Return the session of a *row*; what a row of another tool does not say follows from the *settings* of today.

    Raises `SessionError` naming *file*, by default the registry, when the row holds a value of a wrong type.
    """
    try:
        where = {"worktree": Path(row["worktree"]).expanduser(), "branch": row["branch"], "ports": ports.in_row(row)}
        if "windows" not in row:
            return replace(_foreign(name, where, repository, settings()), **_noted(row))
        _check(row)
        facts: dict[str, Any] = {fact: row[fact] for fact in _FACTS if fact in row}
        facts |= {key: tuple(row.get(key, ())) for key in _LISTS} | {key: row.get(key, {}) for key in _TABLES}
        facts |= {"compose": _compose(row.get("compose")), "agent": _agent(row.get("agent", {}))}
        return Session(name=name, repository=repository, **where, **facts, windows=_windows(row["windows"]))
    except _UNUSABLE as error:
        raise SessionError(
            f"{file or registry.path(repository)}: the row of {name!r} cannot be used: {error!r};"
            " mend it, it was not changed"
        ) from None


def current(session: Session) -> Session:
    """Return *session* as it stands: who waited for another command read what that has changed since.

    Raises `SessionError` when it was removed meanwhile.
    """
    row = registry.rows(session.repository).get(session.name, {"created": None})
    if row.get("created", "") != session.created:
        raise SessionError(f"session {session.name} was removed meanwhile; to see what there is: inv session.list")
    return replace(session, state=row.get("state", session.state), archive=row.get("archive", ""))


def _check(row: registry.Row) -> None:
    if found := forms.wrong(row, _FORMS):
        raise TypeError(found)


def _windows(said: list[dict[str, Any]]) -> tuple[Window, ...]:
    for each in said:
        if found := forms.wrong(each, {**dict.fromkeys(each, forms.text), "claude": forms.switch}):
            raise TypeError(f"windows: {found}")
    return tuple(Window(**each) for each in said)


def _agent(said: dict[str, Any]) -> Agent:
    if found := forms.wrong(said, {**dict.fromkeys(said, forms.text), "args": forms.texts}):
        raise TypeError(f"agent: {found}")
    return Agent(**{**said, "args": tuple(said.get("args", ()))})


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


def _noted(row: registry.Row) -> dict[str, Any]:
    """Return what a *row* of another tool says that was noted by us."""
    noted = {key: row[key] for key in (*_NOTED, "setup_done") if key in row}
    _check(noted)
    return {**noted, "setup_done": tuple(noted.get("setup_done", ()))}


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
