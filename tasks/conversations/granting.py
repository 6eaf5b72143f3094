"""What was granted in a session, and giving it to the main checkout: of a live session, or of a removed one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import exclude, registry
from ..archives import archive
from ..errors import SessionError
from ..model import Problem, Repository, Session
from ..narration import notice
from . import claude_version, granted
from .granted import Comparison, Rules

_KEPT = ("files", "raw", "hidden")  # where an archive may have the file


@dataclass(frozen=True)
class Granted:
    """The rules of one session's *file*, those that it began with, and how they stand to the main checkout's."""

    name: str
    repository: Repository
    file: Path
    base: Rules
    ours: Rules
    live: bool

    @property
    def comparison(self) -> Comparison:
        """How they differ from the main checkout's now; a file that is not there differs in nothing."""
        if not self.file.exists():
            return Comparison({}, {}, {}, {})
        return granted.compare(self.base, self.ours, granted.of(self.repository.main / granted.FILE))

    def record(self, merged: Rules) -> dict[str, Any]:
        """Return this for programs, *merged* being what was just given to the main checkout."""
        version = claude_version.installed()
        return {
            "name": self.name, "file": str(self.file), "main": str(self.repository.main / granted.FILE),
            "claude_version": claude_version.text(version) if version else None,
            "shared": claude_version.shares_rules(version, self.repository), **vars(self.comparison),
            "merged": merged,
        }  # fmt: skip


def removed(name: str, repository: Repository) -> Granted | None:
    """Return what was granted in the newest removed session *name*; None when none is kept."""
    found = next((each for each in archive.all_of(repository) if each.name == name), None)
    return _archived(found, repository) if found else None


def of(session: Session) -> Granted:
    """Return what was granted in *session*. Raises `SessionError` when its file cannot be read."""
    row = registry.rows(session.repository).get(session.name, {})
    file = session.worktree / granted.FILE
    base = granted.rules(row.get("rules"))
    return Granted(session.name, session.repository, file, base, granted.of(file), live=True)


def merge(found: Granted) -> Rules:
    """Give the new rules of *found* to the main checkout and return them; conflicts are left to the person."""
    added = granted.merge(found.repository, found.base, found.ours)
    if added and found.live:  # what the main checkout removes from now on was revoked there
        base = {kind: [*found.base.get(kind, ()), *added.get(kind, ())] for kind in granted.KINDS}
        registry.note(found.repository, found.name, rules=granted.rules(base))
        exclude.refresh(found.repository)
    return added


def mention(saved: archive.Archive | None, repository: Repository) -> None:
    """Tell of rules that went with a removed session and that the main checkout does not have."""
    try:
        found = _archived(saved, repository) if saved else None
        number = granted.count(found.comparison.new) if found else 0
    except SessionError:  # one of the files is damaged: the archive has it as it is
        return
    if found and number:
        which = "1 rule" if number == 1 else f"{number} rules"
        look = f"to see {'it' if number == 1 else 'them'}: inv session.permissions {found.name}"
        notice(f"{which} of {found.name} {'is' if number == 1 else 'are'} not in the main checkout; {look}")


def problems(session: Session) -> list[Problem]:
    """Return the rules that the main checkout no longer has and the session's own file still grants."""
    try:
        revoked = of(session).comparison.revoked.get("allow", [])
    except SessionError as error:
        return [Problem(str(error), "Claude Code cannot use it", "mend or delete it")]
    if not revoked:
        return []
    what = f"what the main checkout removed from its rules is still granted here: {', '.join(map(_shown, revoked[:3]))}"
    return [
        Problem(what, "conversations act on them without asking", f"take them out of {session.worktree}/{granted.FILE}")
    ]


def _archived(saved: archive.Archive, repository: Repository) -> Granted:
    places = [saved.directory / kind / granted.FILE for kind in _KEPT]
    file = next((place for place in places if place.is_file()), places[0])
    base = granted.rules(saved.facts["row"].get("rules"))
    return Granted(saved.name, repository, file, base, granted.of(file), live=False)


def text(found: Granted, merged: Rules) -> str:
    """Return for people what was granted, and what can be done about it."""
    version, main = claude_version.installed(), found.repository.main / granted.FILE
    difference = found.comparison
    lines = [f"added to {main}:", *_listed("+", merged)] if merged else []
    if difference.new:
        lines += [f"in {found.name}, not in the main checkout:", *_listed("+", difference.new)]
        lines += [f"to add them there: inv session.permissions {found.name} --merge"]
    for title, sign, table in (
        (f"in {found.name} still, removed from the main checkout since:", "-", difference.revoked),
        (f"in the main checkout still, removed from {found.name} since:", " ", difference.dropped),
        (f"of another kind in the main checkout, never merged; decide in {main}:", "!", difference.conflicts),
    ):
        lines += [title, *_listed(sign, table)] if table else []
    if not lines:
        lines = [f"{found.name} has no rules that the main checkout lacks"]
    if claude_version.shares_rules(version, found.repository):
        lines += [f"Claude Code {claude_version.text(version)} saves rules in {main} itself, for all sessions"]
    return "\n".join(lines)


def _listed(sign: str, table: Rules) -> Sequence[str]:
    return [f"  {sign} {kind:<5} {_shown(rule)}" for kind, each in table.items() for rule in each]


def _shown(rule: str) -> str:
    """A terminal must not obey what a file says."""
    return rule if rule.isprintable() else repr(rule)
