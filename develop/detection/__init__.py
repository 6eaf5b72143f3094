"""What a repository consists of, found by small rules: one file for each family, one function for each rule.

A rule looks at `Facts` and returns a `Part`; it runs nothing. What it isn't sure of it says in `unsure`, which
becomes a comment in the configuration and a line of the table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from develop.detection import compose, data, managers, node, others, python, runners
from develop.detection.facts import Facts, collect_facts
from develop.detection.values import Alternative, Row, Server

_RULES = (*python.RULES, *others.RULES, node.find_node)
_MOST = 5  # servers that have windows; more are comments


class Found(NamedTuple):
    """What was found in a repository: all that its configuration is written from."""

    servers: tuple[Server, ...]
    alternatives: tuple[Alternative, ...]
    containers: compose.Containers
    data: data.Data
    packages: tuple[managers.Packages, ...]
    activate: str
    env: dict[str, dict[str, str]]
    variables: dict[str, str]
    databases: dict[str, dict[str, str]]  # file -> variable -> `own`, or a port
    rows: tuple[Row, ...]


def detect(top: Path) -> Found:
    """Return what the repository at *top* consists of."""
    return detect_facts(collect_facts(top))


def detect_facts(facts: Facts) -> Found:
    """Return what the repository with these *facts* consists of."""
    parts = [rule(facts) for rule in _RULES]
    servers = [server for part in parts for server in part.servers]
    late = [find(facts, servers) for find in (runners.find_procfile, runners.find_targets)]
    servers += next((list(part.servers) for part in late if part.servers), [])
    parts += [*late, runners.find_devcontainer(facts), runners.find_nix(facts)]
    named, more = _named(servers)
    containers = compose.find_compose(facts, named)
    found = data.find_data(facts)
    packages, environments = _installed(facts, named)
    env, variables, notes = data.session_values(found, named, containers.published)
    more_variables, fixed = data.fixed_addresses(facts, named)
    of_procfile, procfile_rows = data.procfile_variables(facts, found, named)
    databases, public, database_rows = data.database_rows(found, containers.published)
    rows = (
        *_server_rows(named), *(row for part in parts for row in part.rows), *_more_rows(more, parts),
        *managers.package_rows(facts, packages, environments), *containers.rows, *found.rows, *database_rows,
        *procfile_rows, *notes, *fixed, *(() if named or containers.file else _nothing()),
    )  # fmt: skip
    return Found(
        tuple(named), (*_as_alternatives(more), *(each for part in parts for each in part.alternatives)), containers,
        found, tuple(packages), _activate(environments), env,
        {**of_procfile, **more_variables, **public, **variables}, databases, rows,
    )  # fmt: skip


def _named(servers: Sequence[Server]) -> tuple[list[Server], list[Server]]:
    """Return the servers with a name for each one's window, and those that are too many."""
    chosen = sorted(servers, key=lambda each: each.kind)[:_MOST]
    names: list[str] = []
    named = []
    for each in chosen:
        alone = sum(other.kind == each.kind for other in chosen) == 1
        name = each.kind if alone else re.sub(r"[^\w-]", "-", each.directory.rpartition("/")[2] or each.what.lower())
        while name in names:
            name += "2"
        names.append(name)
        named.append(each._replace(name=name.lower()))
    return named, [each for each in servers if each not in chosen]


def _as_alternatives(servers: Sequence[Server]) -> list[Alternative]:
    return [Alternative(each.what, each.directory, each.file, each.run.replace("{port}", str(each.port)),
                        "one more server: give it a port of its own in `ports`") for each in servers]  # fmt: skip


def _installed(
    facts: Facts, servers: Sequence[Server]
) -> tuple[list[managers.Packages], list[managers.Environment]]:  # fmt: skip
    """Return who installs for the *servers*, and for what has a node_modules already."""
    node_places = [each.directory for each in servers if each.file.endswith("package.json")]
    node_places += [path.rstrip("/").rpartition("/")[0] for path in facts.ignored
                    if re.search(r"(^|/)node_modules/?$", path)]  # fmt: skip
    packages = dict.fromkeys(managers.node_packages(facts, place) for place in node_places)
    python_places = [each.directory for each in servers if each.is_python]
    found = [managers.python_environment(facts, place) for place in python_places]
    return list(packages), list(dict.fromkeys(each for each in found if each))


def _activate(environments: Sequence[managers.Environment]) -> str:
    """Return the command of the first environment that the sessions don't find themselves."""
    return environments[0].activate if environments else ""


def _server_rows(servers: Sequence[Server]) -> list[Row]:
    return [Row("unsure" if each.unsure else "found", each.what, each.file,
                f"{each.command}  {each.health if each.health != '/' else ''}".rstrip()
                + (f"\n{each.unsure}" if each.unsure else "")) for each in servers]  # fmt: skip


def _more_rows(more: Sequence[Server], parts: Sequence[object]) -> list[Row]:
    del parts
    return [
        Row("choice", each.what, each.file, "one server more than have windows: a comment in invoke.yaml")
        for each in more
    ]


def _nothing() -> tuple[Row, ...]:
    return (
        Row("missing", "server", ".", "nothing was found that serves a page: add `windows` and `ports` to invoke.yaml"),
    )
