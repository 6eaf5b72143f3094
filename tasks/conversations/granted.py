"""The rules in `.claude/settings.local.json`: what a person granted to conversations, once and for good."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SessionError
from ..machine import atomic, locks
from ..model import Repository
from ..parts import RULES

FILE = RULES
KINDS = ("allow", "ask", "deny")

Rules = Mapping[str, list[str]]


def rules(value: object) -> dict[str, list[str]]:
    """Return the rules in a table of lists, each once; what has another shape holds none."""
    table = value if isinstance(value, dict) else {}
    lists = {kind: table.get(kind) for kind in KINDS}
    found = {
        kind: list(dict.fromkeys(rule for rule in each if isinstance(rule, str)))
        for kind, each in lists.items()
        if isinstance(each, list)
    }
    return {kind: each for kind, each in found.items() if each}


def count(table: Rules) -> int:
    """Return how many rules there are."""
    return sum(map(len, table.values()))


def content(file: Path) -> dict[str, Any]:
    """Return what is in *file*; nothing when it does not exist.

    Raises `SessionError` when it is not to be read, or no JSON object.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise SessionError(f"{file} is not a file; it was not changed")
        found = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SessionError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SessionError(f"{file} is not valid JSON: {error}; mend it, it was not changed") from None
    if not isinstance(found, dict) or not isinstance(found.get("permissions", {}), dict):
        raise SessionError(f"{file}: expected an object with an object `permissions`; mend it, it was not changed")
    return found


def of(file: Path) -> dict[str, list[str]]:
    """Return the rules in *file*, none when it does not exist. Raises what `content` raises."""
    return rules(content(file).get("permissions"))


@dataclass(frozen=True)
class Comparison:
    """A session's rules beside the main checkout's, measured from those that the session began with.

    *new* are the session's own, *revoked* those that the main checkout no longer has, *dropped* those that only it
    still has; *conflicts* are new ones that the main checkout has as another kind.
    """

    new: Rules
    revoked: Rules
    dropped: Rules
    conflicts: Rules


def compare(base: Rules, ours: Rules, theirs: Rules) -> Comparison:
    """Return how a session's rules differ from the main checkout's: *base* are those that were copied."""
    sides: dict[str, dict[str, list[str]]] = {word: {} for word in ("new", "revoked", "dropped", "conflicts")}
    for kind in KINDS:
        began, has, main = (set(table.get(kind, ())) for table in (base, ours, theirs))
        elsewhere = {rule for other in KINDS if other != kind for rule in theirs.get(other, ())}
        for rule in ours.get(kind, ()):
            if rule not in began | main:
                sides["conflicts" if rule in elsewhere else "new"].setdefault(kind, []).append(rule)
            elif rule not in main:
                sides["revoked"].setdefault(kind, []).append(rule)
        for rule in theirs.get(kind, ()):
            if rule in began - has:
                sides["dropped"].setdefault(kind, []).append(rule)
    return Comparison(**sides)


def merge(repository: Repository, base: Rules, ours: Rules) -> Rules:
    """Add the session's new rules to the main checkout's file and return them; its other content stays.

    Raises `SessionError` when the file is not to be changed.
    """
    file = repository.main / FILE
    with locks.held(repository.private / "rules.lock"):
        found = content(file)
        new = compare(base, ours, rules(found.get("permissions"))).new
        if not new:
            return new
        permissions = found.setdefault("permissions", {})
        for kind, each in new.items():
            if not isinstance(permissions.setdefault(kind, []), list):
                raise SessionError(f"{file}: expected a list in permissions.{kind}; mend it, it was not changed")
            permissions[kind] += each
        if file.exists() and not file.stat().st_mode & stat.S_IWUSR:
            raise SessionError(f"{file} is read-only; to let it be changed: chmod u+w {file}")
        os.makedirs(file.parent, exist_ok=True)
        atomic.write(file, json.dumps(found, indent=2, ensure_ascii=False) + "\n", mode=0o600)
    return new
