"""What a session is to run in containers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from invoke.util import yaml

from ..config import presets
from ..config.settings import Settings
from ..errors import SessionError, quote_text
from ..model import Compose, Request, Session
from ..store import ports, registry
from ..system.progress import notice
from ..tools import git
from . import contents


class _Loader(yaml.SafeLoader):
    """YAML with compose's own tags, `!reset` and `!override`."""


_load: Any = yaml.load
getattr(_Loader, "add_multi_constructor")("!", lambda _loader, _tag, _node: None)  # noqa: B009 (untyped)


def compose_file_exists(file: str, session: Session) -> bool:
    """Return whether the commit that *session* begins with, or the main checkout, has the *file*."""
    return (session.repository.main / file).exists() or bool(_committed(file, session))


def compose_file_text(file: str, session: Session) -> str:
    """Return what is in the compose *file* that *session* will have; raises `SessionError` when it will have none."""
    if file in (*session.copy, *session.link) and (session.repository.main / file).is_file():
        return (session.repository.main / file).read_text(encoding="utf-8", errors="replace")
    committed = _committed(file, session)
    if not committed:
        raise SessionError(
            f"{file} is not in {session.base or session.branch} ({session.tip[:12]}), which the session starts from."
            " Commit it, or turn containers off: `compose: {}`."
        )
    return committed


def parse_compose(text: str) -> Any:
    """Return the parsed *text* of a compose file; None when it is not YAML."""
    try:
        return _load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def compose_services(file: str, text: str) -> dict[str, dict[str, Any]]:
    """Return the services that the *text* of the compose *file* says; those that it includes are unknown.

    Raises `SessionError` naming file, line and column when it is no compose file.
    """
    try:
        content = _load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date that is none; too deep
        where = getattr(error, "problem_mark", None)
        place = f":{where.line + 1}:{where.column + 1}" if where else ""
        raise SessionError(f"{file}{place}: not valid YAML: {getattr(error, 'problem', error)}") from None
    services = content.get("services") if isinstance(content, dict) else None
    if services is None and isinstance(content, dict) and "include" in content:
        return {}
    if not isinstance(services, dict) or not all(isinstance(each, (dict, type(None))) for each in services.values()):
        raise SessionError(f"{file}: expected a table `services` of tables.")
    return {str(name): each or {} for name, each in services.items()}


def _committed(file: str, session: Session) -> str:
    return git.read_git(session.repository.main, "show", f"{session.tip}:{file}", check=False)


MODES = ("docker", "native")


def decide_compose(request: Request, settings: Settings, session: Session) -> Compose | None:
    """Return what *session* is to run in containers; None when no compose file is configured.

    The file of a preset that nobody made is left out, with a note. Raises `SessionError` for an unknown mode or
    service, a file that is missing or broken, an engine that does not answer, and a project name that is in use.
    """
    if request.mode and request.mode not in MODES:
        raise SessionError(f"--mode must be {' or '.join(MODES)}, not {quote_text(request.mode)}.")
    if not settings.compose:
        if request.mode or request.without:
            raise SessionError("--mode and --without are for containers, and no compose file is configured.")
        return None
    file = settings.compose["file"]
    if file == presets.DEV_SESSION["compose"]["file"] and not compose_file_exists(file, session):
        notice(f"{file} is left out: neither {session.base or session.branch} nor the main checkout has it.")
        return None
    from ..tools import docker

    docker.compose_program()
    services = compose_services(file, compose_file_text(file, session))
    return unclaimed_resources(session, choose_services(request, settings.compose, services, project_name(session)))


def choose_services(
    request: Request, configured: Mapping[str, Any], services: Mapping[str, Mapping[str, Any]], project: str
) -> Compose:
    """Return what of the file's *services* runs in the mode and without the services that *request* names.

    Raises `SessionError` when one of these is not among them.
    """
    mode = request.mode or MODES[0]
    profiles = tuple(configured["profiles"]) if mode == "docker" else ()
    enabled = [name for name, each in services.items() if _enabled(each, profiles)]
    without = tuple(name for name in re.split(r"[,\s]+", request.without) if name)
    for name in without:
        if name not in enabled:
            raise SessionError(f"--without {name}: no such service. Services: {', '.join(enabled) or 'none'}")
    run = tuple(name for name in enabled if name not in without)
    once = tuple(name for name in run if _once(name, services))
    return Compose(configured["file"], project, mode, profiles, run, without, once, wait=configured["wait"])


def unclaimed_resources(session: Session, compose: Compose) -> Compose:
    """Return *compose* with the volumes and networks of its project that are there already.

    Raises `SessionError` when containers, or a session of another name or repository, have that project name.
    """
    own = [row for name, row in registry.read_registry(session.repository).items() if name != session.name]
    for row in (*own, *ports.rows_elsewhere(session.repository)):
        if isinstance(row.get("compose"), dict) and row["compose"].get("project") == compose.project:
            _refuse(compose, f"the session in {row['worktree']}")
    from ..tools import docker

    containers = docker.list_containers(compose.project)
    kept = docker.own_containers(session._replace(compose=compose), containers)  # with the volumes of a removed session
    if others := [each for each in containers if each not in kept]:
        _refuse(compose, f"the containers of {others[0].directory}")
    networks = [] if kept else docker.list_networks(compose.project)  # kept containers kept theirs, for this session
    present = (*docker.list_volumes(compose.project), *networks)
    present += tuple(name for mounts in docker.list_anonymous_volumes(kept).values() for name in mounts)
    return compose._replace(found=present, keeps_volumes=False)


def _refuse(compose: Compose, owner: str) -> None:
    raise SessionError(
        f"The compose project name {compose.project} is used by {owner}. Choose another NAME,"
        " or set `variables: {COMPOSE_PROJECT_NAME: …}`."
    )


def project_name(session: Session) -> str:
    """Return the compose project that *session* has its containers in."""
    configured = session.variables.get("COMPOSE_PROJECT_NAME")
    return contents.as_compose_takes(configured or f"{session.project}-{session.slug}") or "session"


def _enabled(service: Mapping[str, Any], profiles: tuple[str, ...]) -> bool:
    value = service.get("profiles") or []
    own = value if isinstance(value, list) else [value]  # which compose will refuse
    return not own or "*" in profiles or any(profile in profiles for profile in own)


def _once(name: str, services: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether the service is a task that ends: it says that it is not restarted, or others wait for its end."""
    awaited = (_condition(each, name) == "service_completed_successfully" for each in services.values())
    return services[name].get("restart") in ("no", False) or any(awaited)


def _condition(service: Mapping[str, Any], name: str) -> str:
    waits = service.get("depends_on")
    entry = waits.get(name) if isinstance(waits, dict) else None
    return str(entry.get("condition", "")) if isinstance(entry, dict) else ""
