"""What of a compose file a session runs, and under which name: decided and refused before anything is started."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .. import ports, registry
from ..docker import compose_cli
from ..docker import engine as docker
from ..errors import SessionError
from ..model import Session
from ..narration import notice
from ..parts import Compose
from ..presets import dev_session
from ..request import Request
from ..settings import Settings
from . import compose_file, names

MODES = ("docker", "native")


def decide(asked: Request, settings: Settings, session: Session) -> Compose | None:
    """Return what *session* is to run in containers; None when no compose file is configured.

    The file of a preset that nobody made is left out, and told. Raises `SessionError` for a mode or service that
    there is not, a file that is missing or broken, an engine that does not answer, and a project name that somebody
    else uses.
    """
    if asked.mode and asked.mode not in MODES:
        raise SessionError(f"--mode {asked.mode}: unknown; known: {', '.join(MODES)}")
    if not settings.compose:
        if asked.mode or asked.without:
            raise SessionError("--mode and --without are about containers, and no compose file is configured")
        return None
    file = settings.compose["file"]
    if file == dev_session.SETTINGS["compose"]["file"] and not compose_file.exists(file, session):
        notice(f"{file} is left out: neither {session.base or session.branch} nor the main checkout has one")
        return None
    compose_cli.program()
    found = compose_file.services(file, compose_file.text(file, session))
    return unclaimed(session, chosen(asked, settings.compose, found, _project(session)))


def chosen(
    asked: Request, configured: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]], project: str
) -> Compose:
    """Return what of the services *found* in the file runs in the mode and without the services that are *asked* for.

    Raises `SessionError` when one of these is not among them.
    """
    mode = asked.mode or MODES[0]
    profiles = tuple(configured["profiles"]) if mode == "docker" else ()
    enabled = [name for name, each in found.items() if _enabled(each, profiles)]
    without = tuple(name for name in re.split(r"[,\s]+", asked.without) if name)
    for name in without:
        if name not in enabled:
            raise SessionError(f"--without {name}: no such service is to run; known: {', '.join(enabled) or 'none'}")
    run = tuple(name for name in enabled if name not in without)
    once = tuple(name for name in run if _once(name, found))
    return Compose(configured["file"], project, mode, profiles, run, without, once, wait=configured["wait"])


def unclaimed(session: Session, compose: Compose) -> Compose:
    """Return *compose* with the volumes and networks of its project that are there already.

    Raises `SessionError` when containers, or a session of another name or repository, have that project name.
    """
    held = {**registry.rows(session.repository)}
    held.pop(session.name, None)
    rows = [*held.values(), *ports.rows_elsewhere(session.repository)]
    for row in rows:
        if isinstance(row.get("compose"), dict) and row["compose"].get("project") == compose.project:
            _refuse(compose, f"the session in {row['worktree']}")
    if others := docker.containers(compose.project):
        _refuse(compose, f"the containers of {others[0].directory}")
    there = (*docker.volumes(compose.project), *docker.networks(compose.project))
    return replace(compose, found=there, keeps_volumes=False)


def _refuse(compose: Compose, whose: str) -> None:
    raise SessionError(
        f"the compose project name {compose.project} is used by {whose}; choose another NAME,"
        " or set `variables: {COMPOSE_PROJECT_NAME: …}`"
    )


def _project(session: Session) -> str:
    given = session.variables.get("COMPOSE_PROJECT_NAME")
    wanted = given or f"{session.project}-{session.slug}"
    return names.slug(wanted).lower().lstrip("-_") or "session"


def _enabled(service: Mapping[str, Any], profiles: tuple[str, ...]) -> bool:
    said = service.get("profiles") or []
    own = said if isinstance(said, list) else [said]  # which compose will refuse
    return not own or "*" in profiles or any(profile in profiles for profile in own)


def _once(name: str, services: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether the service is a task that ends: it says that it is not restarted, or others wait for its end."""
    awaited = (_condition(each, name) == "service_completed_successfully" for each in services.values())
    return services[name].get("restart") in ("no", False) or any(awaited)


def _condition(service: Mapping[str, Any], name: str) -> str:
    waits = service.get("depends_on")
    entry = waits.get(name) if isinstance(waits, dict) else None
    return str(entry.get("condition", "")) if isinstance(entry, dict) else ""
