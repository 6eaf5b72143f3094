"""What a row of the registry runs is what was agreed to at `add`; one that was changed by hand is asked for again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from invoke.context import Context

from ..config.harmless import Difference, find_differences
from ..config.presets import PRESETS
from ..config.settings import Settings
from ..errors import SessionError, describe_error
from ..model import Agent, Repository, Session, Window
from ..store import configuration, names, registry, seals
from . import committed_configuration, consent, contents

_TITLE = "Session {} has values that were not approved when it was added:"
_PORT = "Port {} of session {} was changed in .tally-sessions from {} to {} since it was added."
_DECIDED = (
    "activate", "agent", "copy", "databases", "env", "env_files", "host", "link", "python_path", "setup", "teardown",
    "variables", "verify", "windows",
)  # fmt: skip


def require_sessions(c: Context, sessions: Sequence[Session], agreed: bool) -> None:
    """Have what *sessions* run approved where it is not what was agreed to at `add`, now or by *agreed*.

    Raises `SessionError` with what it is.
    """
    _allowed, refused = part_sessions(c, sessions, agreed)
    if refused:
        raise SessionError("\n".join(refused))


def part_sessions(
    c: Context, sessions: Sequence[Session], agreed: bool, acts_on: Collection[str] = ()
) -> tuple[list[Session], list[str]]:
    """Return those of *sessions* that may run, and for each other why not.

    With *acts_on*, the parts of a row that a task acts on, it is about these, and nothing is approved for later.
    """
    allowed, refused = list[Session](), list[str]()
    rows = registry.read_registry(sessions[0].repository) if sessions else {}
    for session in sessions:
        try:
            if session.name in rows:
                _require(c, session, rows[session.name], agreed, acts_on)
            allowed.append(session)
        except SessionError as error:
            refused.append(describe_error(error))
    return allowed, refused


def require_row(c: Context, session: Session, row: registry.Row, agreed: bool, acts_on: Collection[str] = ()) -> None:
    """Do the same for a *row* that is in no registry, as an archive has it."""
    if seals.is_intact(session.name, row):
        return
    changes = find_changes(c, session, row)
    if acts_on:
        changes = [each for each in changes if each.key.partition(": ")[2].partition(".")[0] in acts_on]
    if changes:
        moved = [_PORT.format(key, session.name, old, new) for key, old, new in seals.changed_ports(row)]
        title = "\n".join([*moved, _TITLE.format(session.name)])
        consent.require_agreement(title, changes, agreed, "Correct the row, or approve it once.")


def find_changes(c: Context, session: Session, row: registry.Row) -> list[Difference]:
    """Return what *session* runs or redirects that the committed configuration would not have it do.

    And what else was chosen at `add` and is different in its *row* now.
    """
    at_add = seals.facts_at_add(row)
    baseline = committed_configuration.read_baseline(c, session.repository)
    preset = session.preset if session.preset in PRESETS else "points"
    settings = committed_configuration.settings_of(baseline, preset)
    added = session._replace(branch=at_add["branch"], ports=at_add["ports"])
    before = _expected(added, settings, session.repository)
    changes = find_differences({"session": before}, {"session": _actual(session)})
    changes += find_differences({"row": at_add}, {"row": seals.chosen_facts(row)})
    return [each._replace(key=f"{session.name}: {each.key.partition('.')[2]}") for each in changes]


def _require(c: Context, session: Session, row: registry.Row, agreed: bool, acts_on: Collection[str]) -> None:
    if row.get("state", "ready") != "ready":
        return  # nothing of it runs before that is finished
    if acts_on:
        if "windows" in row:
            require_row(c, session, row, agreed, acts_on)
        return
    if "windows" not in row:  # another tool's row: it has what the configuration of today says
        consent.require_configuration(c, configuration.load_settings(c), session.repository, agreed)
    elif not seals.is_intact(session.name, row):
        require_row(c, session, row, agreed)
        seals.reseal_row(session.repository, session.name, row)
    _require_linked(session, agreed)


def _require_linked(session: Session, agreed: bool) -> None:
    """A compose file that is linked is the main checkout's of today."""
    if session.compose is not None and session.link:
        from . import compose_differences

        consent.require_differences(
            compose_differences.find_differences(session.compose.file, session.link, session.repository),
            session.repository, agreed,
        )  # fmt: skip


def _actual(session: Session) -> dict[str, Any]:
    facts = {key: _plain(getattr(session, key)) for key in _DECIDED}
    facts |= {"worktree": str(session.worktree), "tmux": session.tmux, "slug": session.slug}
    if session.work_log:
        facts["work_log"] = session.work_log.get("file", "")
    if session.compose is not None:
        facts["compose"] = {"file": session.compose.file, "project": session.compose.project}
    return facts


def _expected(session: Session, settings: Settings, repository: Repository) -> dict[str, Any]:
    """Return what `add` would decide with *settings*; nothing where these do not fit the session."""
    facts = _facts(session, settings, repository)
    try:
        worktree = contents.worktree_path(settings, facts, repository)
        decided = contents.decide_contents(settings, facts, session.ports, repository)
    except (SessionError, RuntimeError):
        return {}
    expected = {key: _plain(decided[key]) for key in _DECIDED}
    if not session.agent.config:  # older rows do not say where the conversations are
        expected["agent"]["config"] = ""
    expected |= {"slug": facts["slug"], "worktree": str(worktree)}
    expected["tmux"] = contents.tmux_name(facts["project"], facts["slug"])
    if session.work_log:
        expected["work_log"] = settings.work_log.get("file", "") if settings.work_log else ""
    if session.compose is not None and settings.compose:
        from . import compose

        own = session._replace(project=facts["project"], slug=facts["slug"], variables=decided["variables"])
        expected["compose"] = {"file": settings.compose["file"], "project": compose.project_name(own)}
    return expected


def _facts(session: Session, settings: Settings, repository: Repository) -> dict[str, str]:
    date = datetime.fromisoformat(session.created).strftime(settings.date) if session.created else ""
    return {
        "name": session.name, "slug": names.slug_of(session.name), "main": str(repository.main), "date": date,
        "project": contents.project_name(settings, repository), "component": session.component,
        "profile": session.profile, "agent": session.agent.name, "branch": session.branch,
        "worktree": str(session.worktree),
        **{key: str(port) for key, port in session.ports.items()},
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """Return a part of a session as tables and lists: windows by what they say, the rest as it is."""
    if isinstance(value, (Window, Agent)):
        return {key: item for key, item in value._asdict().items() if item not in ("", False, ())}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if hasattr(value, "items") else value
