"""Docker Compose: which services a session runs, and a file for them with ports of the session's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from invoke.util import yaml

from develop.detection.facts import Facts
from develop.detection.values import Row, Server

FILE = "docker-compose.sessions.yml"
_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_PORT = re.compile(
    r"(?:(?P<host>[\d.]+|\[[0-9a-f:]+\]):)?(?P<published>\d+|\$\{\w+(?::?-\d+)?\}|\$\w+):(?P<target>\d+)(?:/(?:tcp|udp))?"
)
# What programs connect to, rather than what is built here, or what shows it.
_SERVES = re.compile(
    r"postg(res|is)|pgvector|timescale|mysql|mariadb|mongo|redis|valkey|memcached|rabbitmq|kafka|redpanda|nats|elastic"
    r"|opensearch|meilisearch|typesense|qdrant|weaviate|chroma|neo4j|cassandra|scylla|clickhouse|influx|minio|localstack"
    r"|dynamodb|azurite|mailpit|mailhog|mailcatcher|maildev|keycloak|cockroach|couchdb|surrealdb|temporal|fake-gcs"
)
_REPLACED = ("command", "entrypoint", "test")  # lists that a later file replaces
_HEAD = (
    "# Made by inv embed from {0}, with ports of each session's own.\n"
    "# inv embed writes it again when these files have changed, unless somebody has changed this one.\n"
)


class _Loader(yaml.SafeLoader):
    """YAML as Compose reads it: `22:22` is no number, and `no` is a word."""


_any: Any = _Loader
_load: Any = yaml.load
_dump: Any = yaml.safe_dump
_any.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
    for letter, resolvers in _any.yaml_implicit_resolvers.items()
}
_any.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("(true|false|True|False)$"), list("tfTF"))
_any.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?\d+$"), list("-+0123456789"))
_any.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d+\.\d+$"), list("-+0123456789"))
_any.add_multi_constructor("!", lambda _loader, _tag, node: getattr(node, "value", None) and None)


class Containers(NamedTuple):
    """What of the compose files *files* is run in each session; *text* is the file to write, empty for none."""

    files: tuple[str, ...] = ()
    file: str = ""  # that the sessions use; empty where they use none
    text: str = ""
    ports: Mapping[str, int] = {}  # key of the configuration -> the usual port
    rows: tuple[Row, ...] = ()

    @property
    def published(self) -> dict[int, str]:
        """The key of each usual port."""
        return {port: key for key, port in self.ports.items()}


def find_compose(facts: Facts, servers: Sequence[Server]) -> Containers:
    """Return what sessions run in containers: without other servers all services, else what these connect to."""
    name = next((each for each in _NAMES if each in facts.own), "")
    if not name:
        return Containers()
    override = re.sub(r"\.(ya?ml)$", r".override.\1", name)
    files = (name, *([override] if override in facts.own else []))
    content: dict[str, Any] = {}
    for each in files:
        try:
            loaded = _load(facts.read(each), Loader=_any)
        except (yaml.YAMLError, ValueError, RecursionError):
            return Containers(files, rows=(Row("unsure", "Compose", each, "can't be read, so it is not used"),))
        content = _merged(content, loaded if isinstance(loaded, dict) else {})
    services = content.get("services")
    services = {k: v for k, v in services.items() if isinstance(v, dict)} if isinstance(services, dict) else {}
    chosen = {key: each for key, each in services.items() if not servers or _is_connected_to(each)}
    if not chosen or not any(each.get("ports") for each in chosen.values()):
        return Containers(files, rows=(Row("choice", "Compose", name, _why_unused(services)),))
    return _containers(files, content, services, chosen)


def _containers(
    files: tuple[str, ...], content: dict[str, Any], services: dict[str, Any], chosen: dict[str, Any]
) -> Containers:
    used = _with_dependencies(chosen, services)
    ports: dict[str, int] = {}
    own = {name: _own_service(name, each, ports) for name, each in used.items()}
    as_it_is = len(files) == 1 and len(used) == len(services) and all(own[name] == services[name] for name in used)
    left = [name for name in services if name not in used]
    said = f"runs in each session: {', '.join(used)}; Docker must run; `compose: {{}}` turns it off"
    rows = [Row("found", "Compose", " and ".join(files), said)]
    if left:
        rows.append(
            Row(
                "choice",
                "Compose",
                files[0],
                f"left out: {', '.join(left)}; to have one in each session, add it to {FILE}",
            )
        )
    rows += _shared_rows(files[0], content, used)
    if as_it_is:
        return Containers(files, files[0], "", ports, tuple(rows))
    made: dict[str, Any] = {"services": own}
    for key in ("volumes", "networks", "configs", "secrets"):
        if present := _used_parts(key, content.get(key), own):
            made[key] = present
    text = _HEAD.format(" and ".join(files)) + _dump(made, sort_keys=False, allow_unicode=True, width=120)
    rows.append(Row("found", FILE, " and ".join(files), "written: the same services on ports of the session's own"))
    return Containers(files, FILE, text, ports, tuple(rows))


def _is_connected_to(service: dict[str, Any]) -> bool:
    return bool(service.get("ports")) and "build" not in service and bool(_SERVES.search(str(service.get("image", ""))))


def _why_unused(services: dict[str, Any]) -> str:
    """Return why no container is run, and how to have those that the servers could connect to."""
    closed = [key for key, each in services.items() if _SERVES.search(str(each.get("image", "")))]
    if not closed:
        return "not used: no service of it publishes a port that the servers above could connect to"
    said = f"{', '.join(closed)} {'publishes no port' if len(closed) == 1 else 'publish no ports'}"
    return f"not used: {said} for the servers above. To have them in each session, add `ports` there"


def _merged(one: Any, other: Any) -> Any:
    """Return *one* with *other* over it, as Compose combines its files."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            **one,
            **{
                key: _merged(one[key], value) if key in one and key not in _REPLACED else value
                for key, value in other.items()
            },
        }
    if isinstance(one, list) and isinstance(other, list):
        return [*one, *(each for each in other if each not in one)]
    return one if other is None else other


def _with_dependencies(chosen: dict[str, Any], services: dict[str, Any]) -> dict[str, Any]:
    waiting, used = list(chosen), set[str]()
    while waiting:
        name = waiting.pop()
        if name in used or name not in services:
            continue
        used.add(name)
        waiting += list(services[name].get("depends_on") or [])
    return {name: each for name, each in services.items() if name in used}


def _own_service(name: str, service: dict[str, Any], ports: dict[str, int]) -> dict[str, Any]:
    """Return *service* without a name of its own for its container, on *ports* that are added to."""
    own = {key: value for key, value in service.items() if key != "container_name"}
    listed = own.get("ports")
    if isinstance(listed, list):
        own["ports"] = [_own_port(name, each, len(listed) > 1, ports) for each in listed]
    return own


def _own_port(name: str, given: Any, several: bool, ports: dict[str, int]) -> Any:
    if isinstance(given, dict):
        if not str(given.get("published", "")).isdigit():
            return given
        key = _key(name, str(given.get("target", "")), several)
        ports[key] = int(given["published"])
        return {**given, "published": f"${{{key.upper()}}}"}
    match = _PORT.fullmatch(str(given))
    if not match:
        return given
    published = match["published"]
    if variable := re.match(r"\$\{?(\w+?)(?::?-(\d+))?\}?$", published):
        key = variable[1].lower()
        if variable[1].isupper() and key.endswith("port"):
            ports[key] = int(variable[2] or match["target"])
            return given
        published = variable[2] or match["target"]
    key = _key(name, match["target"], several)
    ports[key] = int(published)
    return str(given).replace(match["published"], f"${{{key.upper()}}}", 1)


def _key(name: str, target: str, several: bool) -> str:
    return re.sub(r"\W", "_", f"{name}_{target}_port" if several else f"{name}_port").lower()


def _used_parts(key: str, present: Any, services: dict[str, Any]) -> dict[str, Any]:
    """Return the volumes, networks and so on that *services* name, without names that sessions would share."""
    if not isinstance(present, dict):
        return {}
    mounts = [each for service in services.values() for each in service.get(key) or []]
    words = {each.split(":")[0] if isinstance(each, str) else str((each or {}).get("source", "")) for each in mounts}
    return {name: _unnamed(value) for name, value in present.items() if name in words or name == "default"}


def _unnamed(part: Any) -> Any:
    if not isinstance(part, dict) or part.get("external"):
        return part
    return {key: value for key, value in part.items() if key != "name"} or None


def _shared_rows(file: str, content: dict[str, Any], used: dict[str, Any]) -> list[Row]:
    rows = []
    for key in ("volumes", "networks"):
        parts = content.get(key)
        for name, value in parts.items() if isinstance(parts, dict) else ():
            if isinstance(value, dict) and value.get("external"):
                rows.append(Row("unsure", f"{key[:-1]} {name}", file, "is external: all sessions share it"))
    for name, service in used.items():
        if service.get("network_mode") == "host":
            rows.append(
                Row("unsure", f"service {name}", file, "uses the host's network: its ports can't be the session's own")
            )
    return rows
