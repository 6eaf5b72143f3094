"""A session as a row of the registry, and back.

A row begins with the ports, `worktree` and `branch`, as earlier tools wrote it. Then come the fields of `Session` that
were decided at `add`; what they mean is in `model.py`. These keys are noted beside them:

added, seal     what the ports were at `add`, and the digest of what was approved (`seals`)
archive         the archive that a removal fills, or a restore empties
bare            whether it was added without anything that runs, and was never started
brought         branches that `fleet.move` made here, with their commits
claude_entry    Claude Code's entry of the worktree, if `add` made it; else claude_added: what it added there
landing         a merge that is being done, until it is known whether it landed (`integrate/interrupted_merge`)
merged, merged_tip, merged_into, merged_as  the last merge (`Session`)
moved           the time of the `fleet.move` that brought it, which names the archive it came in
paused, removed for the work log: since when it is stopped; when its removal began
renaming        what the session was called before, until a rename is complete (`integrate/rename`)
retitle         the name before a rename, until its conversation goes on and gets the new one
rules           Claude Code's permission rules as they were copied, to tell those that are new since
setup_done      setup commands that succeeded
state           ready; adding or removing while that lasts, or was interrupted
taken           while a worktree that existed becomes a session: what `add` changes in it is kept there
teardown_done   commands of `teardown` that succeeded in a removal that didn't end
syncing         what git is about to do in a sync, until it has ended by itself (`integrate/interrupted_sync`)
verifying       a merged result in the worktree while its checks run (`integrate/merged_checkout`)
unconfirmed     its removal began before it had been made completely
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import SessionError, quote_text
from ..model import Agent, Compose, Repository, Session, Window
from ..system import shape
from ..system.shape import SWITCH, TEXT, TEXT_TABLE, TEXTS, Form
from . import ports, registry

# Makes a session of what the row of an older tool has: the name, and its worktree, branch and ports.
Complete = Callable[[str, dict[str, Any], Repository], Session]
_FACTS = (
    "slug tmux state base start tip creates_branch tracks project preset created conversation forks component profile"
    " based owner issue eta activate host archive adopts merged merged_tip merged_into merged_as"
    " bare taken"
).split()
# Those that are noted after `add`, in rows of other tools as well.
_NOTED = (
    "state start tip creates_branch conversation merged merged_tip merged_into merged_as archive bare taken"
).split()
_LISTS = (
    "copy", "link", "setup", "setup_done", "teardown", "env_files", "verify", "scope", "thin", "python_path"
)  # fmt: skip
_PARTS = ("windows", "agent", "compose")
_NO_LOG = shape.plain_form("an empty table", lambda value: value == {})
_LOG = shape.either_form(_NO_LOG, shape.fields_form({"file": TEXT}, dict.fromkeys(("before", "after"), TEXT)))
_TABLES: dict[str, Form] = {
    "env": shape.table_form(TEXT_TABLE),
    "databases": shape.table_form(TEXT_TABLE),
    "variables": TEXT_TABLE,
    "work_log": _LOG,
}
_WINDOW = {**dict.fromkeys(Window._fields, TEXT), "claude": SWITCH}
_AGENT = {**dict.fromkeys(Agent._fields, TEXT), **dict.fromkeys(("args", "begin", "resume", "fork", "prompt"), TEXTS)}
_PROJECT = {**dict.fromkeys(("file", "project", "mode"), TEXT), **dict.fromkeys(("profiles", "services"), TEXTS)}
_COMPOSE = {**dict.fromkeys(("without", "once", "found"), TEXTS), "wait": shape.NUMBER, "keeps_volumes": SWITCH}
_ROW = shape.fields_form({}, {
    **dict.fromkeys(_FACTS, TEXT), "creates_branch": SWITCH, "bare": SWITCH, "created": shape.MOMENT,
    **dict.fromkeys((*_LISTS, "ports"), TEXTS), **_TABLES,
    "windows": shape.list_form(shape.fields_form({"name": TEXT}, _WINDOW)), "agent": shape.fields_form({}, _AGENT),
    "compose": shape.fields_form(_PROJECT, _COMPOSE),
})  # fmt: skip
_UNUSABLE = (AttributeError, KeyError, RuntimeError, TypeError, ValueError)  # the third is Path's, of a home


def session_row(session: Session) -> registry.Row:
    """Return the row of *session*: the ports, worktree and branch first, then everything else that was decided."""
    facts = {fact: getattr(session, fact) for fact in _FACTS}
    windows = [{k: v for k, v in window._asdict().items() if v} for window in session.windows]
    return {
        **session.ports, "worktree": str(session.worktree), "branch": session.branch, "ports": list(session.ports),
        **facts, "copy": list(session.copy), "link": list(session.link), "setup": list(session.setup),
        "setup_done": list(session.setup_done), "env_files": list(session.env_files), "verify": list(session.verify),
        "teardown": list(session.teardown), "scope": list(session.scope), "thin": list(session.thin),
        "python_path": list(session.python_path),
        "env": {file: dict(values) for file, values in session.env.items()},
        "databases": {file: dict(values) for file, values in session.databases.items()},
        "variables": dict(session.variables),
        "windows": windows, "work_log": dict(session.work_log), **compose_row(session),
        "agent": {k: list(v) if isinstance(v, tuple) else v for k, v in session.agent._asdict().items()},
    }  # fmt: skip


def agreed_facts(row: registry.Row) -> registry.Row:
    """Return the facts of a *row* that were decided at `add` and stay: all but those noted later."""
    stays = {*_FACTS, *_LISTS, *_PARTS, *_TABLES, "worktree", "branch", "ports"} - {*_NOTED, "setup_done"}
    facts = {key: row[key] for key in row if key in stays}
    if isinstance(facts.get("compose"), dict):
        facts["compose"] = {k: v for k, v in facts["compose"].items() if k not in ("found", "keeps_volumes")}
    return {**facts, "numbers": ports.ports_in_row(row)}


def compose_row(session: Session) -> registry.Row:
    """Return the row's part about the containers of *session*; empty when it has none."""
    if session.compose is None:
        return {}
    facts = session.compose._asdict()
    return {"compose": {key: list(fact) if isinstance(fact, tuple) else fact for key, fact in facts.items()}}


def session_from_row(
    name: str, row: registry.Row, repository: Repository, complete: Complete, file: Path | None = None
) -> Session:
    """Return the session of a *row*; *complete* adds what the row of another tool doesn't have.

    Raises `SessionError` naming *file*, by default the registry, when the row holds a value of a wrong type.
    """
    try:
        where = {
            "worktree": Path(row["worktree"]).expanduser(),
            "branch": row["branch"],
            "ports": ports.ports_in_row(row),
        }
        if "windows" not in row:
            return complete(name, where, repository)._replace(**_noted(row))
        _check(row)
        facts: dict[str, Any] = {fact: row[fact] for fact in _FACTS if fact in row}
        facts |= {key: tuple(row.get(key, ())) for key in _LISTS} | {key: row.get(key, {}) for key in _TABLES}
        facts |= {"compose": _compose(row.get("compose")), "agent": _agent(row.get("agent", {}))}
        windows = tuple(Window(**window) for window in row["windows"])
        return Session(name=name, repository=repository, **where, **facts, windows=windows)
    except _UNUSABLE as error:
        raise SessionError(
            f"{file or registry.registry_path(repository)}: The row of {quote_text(name)} has a wrong value: {error}.\n"
            "Fix it in the file. Nothing was changed."
        ) from None


def current_session(session: Session) -> Session:
    """Return *session* with its state and archive as they are now: another command may have changed them.

    Raises `SessionError` when it was removed in the meantime.
    """
    row = registry.read_registry(session.repository).get(session.name, {"created": None})
    if row.get("created", "") != session.created:
        raise SessionError(f"Session {session.name} was removed in the meantime.\nRun: inv session.list")
    return session._replace(state=row.get("state", session.state), archive=row.get("archive", ""))


def _check(row: registry.Row) -> None:
    if fault := _ROW(row, ""):
        raise shape.ShapeError(fault)


def _agent(facts: dict[str, Any]) -> Agent:
    parts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
    return Agent(**parts)


def _compose(facts: dict[str, Any] | None) -> Compose | None:
    if facts is None:
        return None
    parts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
    return Compose(**parts)


def _noted(row: registry.Row) -> dict[str, Any]:
    """Return the facts that we noted in a *row* of another tool."""
    noted = {key: row[key] for key in (*_NOTED, "setup_done") if key in row}
    _check(noted)
    return {**noted, "setup_done": tuple(noted.get("setup_done", ()))}
