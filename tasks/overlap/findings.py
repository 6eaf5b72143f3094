"""What clashes, and how that is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .. import terminal
from ..machine import tables
from ..narration import notice

KINDS = ("hot", "soft", "scope")


@dataclass(frozen=True)
class Finding:
    """What of *session* meets *other*: another session, its base or its component, as *against* says."""

    kind: str  # hot: git cannot merge it; soft: the same files, which merge; scope: outside of its component
    session: str
    other: str
    against: str
    files: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return it as `conflicts --json` shows it."""
        return {**asdict(self), "files": list(self.files)}

    def __str__(self) -> str:
        """Return it as a sentence."""
        if self.kind == "scope":
            return f"{self.session} leaves its component {self.other}: {shortened(self.files)}"
        same = "cannot be merged in" if self.kind == "hot" else "change the same files, which merge:"
        return f"{self.session} and {'its base ' * (self.against == 'base')}{self.other} {same} {shortened(self.files)}"


def shortened(files: Sequence[str], most: int = 3) -> str:
    """Return the first of *files*, and how many there are beyond them."""
    more = f" and {len(files) - most} more" if len(files) > most else ""
    return ", ".join(map(terminal.line, files[:most])) + more


def table(found: Sequence[Finding]) -> str:
    """Return the findings as a table for people."""
    if not found:
        return "nothing clashes"
    what = {"session": "{}", "base": "{} (base)", "component": "{} (component)"}
    rows = [[each.kind, each.session, what[each.against].format(each.other), shortened(each.files)] for each in found]
    return tables.table(rows, ["kind", "session", "with", "files"])


def tell(notes: Iterable[str]) -> None:
    """Tell of each of *notes* once."""
    for each in sorted(set(notes)):
        notice(each)
