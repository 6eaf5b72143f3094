"""Seals: a row of the registry carries a keyed digest of what was agreed at `add`; the key is in our state directory.

Whoever changes a row by hand can't make its seal. Facts that are noted after `add` are not covered.
Beside the seal are, as they were at `add`, the facts that no configuration has.
"""

from __future__ import annotations

import json
from typing import Any

from ..model import Repository
from ..system import shape
from . import approvals, ports, registry, rows

_KEY, _ADDED = "seal", "added"
_FACTS = ("branch", "scope", "thin")
_COMPOSE = ("mode", "profiles", "services", "without", "once", "wait")


def seal_row(name: str, row: registry.Row) -> registry.Row:
    """Return *row* of the session *name* with its seal."""
    return {**row, _ADDED: chosen_facts(row), _KEY: _seal(name, row)}


def chosen_facts(row: registry.Row) -> dict[str, Any]:
    """Return the facts of *row* that were chosen for this session at `add`, and are not in the configuration."""
    compose = row.get("compose")
    chosen = {key: row[key] for key in _FACTS if key in row} | {"ports": ports.ports_in_row(row)}
    if isinstance(compose, dict):
        chosen["compose"] = {key: compose[key] for key in _COMPOSE if key in compose}
    return chosen


def facts_at_add(row: registry.Row) -> dict[str, Any]:
    """Return the chosen facts as they were when *row* was sealed; as they are now in a row of an earlier version."""
    added, now = row.get(_ADDED), chosen_facts(row)
    if not isinstance(added, dict) or not shape.fits(added.get("ports"), shape.table_form(shape.COUNT)):
        return now
    return {**now, **added} if shape.fits(added.get("branch"), shape.TEXT) else now


def changed_ports(row: registry.Row) -> list[tuple[str, int, int]]:
    """Return the ports in *row* that somebody changed since `add`: key, number then, number now."""
    before, now = facts_at_add(row)["ports"], ports.ports_in_row(row)
    return [(key, before[key], now[key]) for key in now if before.get(key, now[key]) != now[key]]


def is_intact(name: str, row: registry.Row) -> bool:
    """Return whether *row* runs and redirects only what it did when it was sealed."""
    return bool(row.get(_KEY) == _seal(name, row))


def reseal_row(repository: Repository, name: str, row: registry.Row) -> None:
    """Seal the session *name* as *row* has it, which a person approved; later changes stay unsealed."""
    registry.note_facts(repository, name, **{_KEY: _seal(name, row), _ADDED: chosen_facts(row)})


def _seal(name: str, row: registry.Row) -> str:
    return approvals.hash_text(json.dumps([name, rows.agreed_facts(row)], sort_keys=True), approvals.read_key())
