"""Conflicts to come: of sessions with each other and with their base, and changes outside of a session's component."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from ..errors import OutcomeError, SessionError
from ..model import Conflict, Repository, Session
from ..system import terminal
from ..system.progress import notice
from ..tools import worktree_status
from . import session_changes, worktree_looks
from .session_changes import Side
from .worktree_looks import Look

if TYPE_CHECKING:
    from . import trial_merge
    from .session_status import Status

KINDS = ("conflict", "operation", "overlap", "scope")
_MOST = 6  # merges that are tried for `list`


class Conflicts(NamedTuple):
    """The conflicts of several sessions; where merges were not *tried*, only the changes outside of components."""

    each: tuple[Conflict, ...] = ()
    tried: bool = False

    def about(self, name: str) -> tuple[Conflict, ...]:
        """Return those that the session *name* is part of."""
        return tuple(conflict for conflict in self.each if _is_about(conflict, name))


def find_conflicts(repository: Repository, sessions: Sequence[Session], about: str = "") -> list[Conflict]:
    """Return the conflicts of *sessions* with each other and with their bases; with *about* only that session's.

    Raises `SessionError` when that one cannot be compared, or git is too old.
    """
    all_looks = worktree_looks.look_at_worktrees(repository, sessions)
    for look in all_looks:
        if look.session.name == about and (why := worktree_looks.why_unusable(look)):
            raise SessionError(why)
    sides = session_changes.find_sides(repository, session_changes.usable_looks(all_looks))
    return conflicts_of_sides(repository, sides, about)


def conflicts_of_sides(repository: Repository, sides: Sequence[Side], about: str = "") -> list[Conflict]:
    """Return the conflicts of *sides* with each other and with their bases; with *about* only that one's."""
    pairs, onto = _to_try(repository, sides, about)
    from . import trial_merge

    conflicts = trial_merge.try_merges(repository, pairs, onto)
    conflicts += [each for side in sides for each in (*_outside(side), *_begun(side))]
    conflicts = _with_clashes(repository, sides, conflicts)
    chosen = [each for each in conflicts if not about or _is_about(each, about)]
    return sorted(chosen, key=lambda each: (KINDS.index(each.kind), each.session, each.other))


def _with_clashes(repository: Repository, sides: Sequence[Side], known: list[Conflict]) -> list[Conflict]:
    """Return the conflicts that are *known*, and those that git can't see, unless it sees one in the same files."""
    if not any(side.changes.paths for side in sides):
        return known
    from . import clashes

    seen = {(each.session, each.other, file) for each in known if each.kind == "conflict" for file in each.files}
    found = clashes.find_clashes(repository, sides, session_changes.base_sides(repository, sides))
    return [*known, *(each for each in found if (each.session, each.other, each.files[0]) not in seen)]


def base_clashes(session: Session) -> list[str]:
    """Return a sentence for each conflict of *session* with its base that git can't see: a sync would hide it."""
    sides = _quiet_sides(session.repository, [session])
    return [describe_conflict(each) for each in _with_clashes(session.repository, sides, []) if each.against == "base"]


def conflict_sentences(session: Session, sessions: Sequence[Session]) -> list[str]:
    """Return a sentence for each of *sessions*, and for its base, that git cannot merge *session* with."""
    sides = _quiet_sides(session.repository, sessions)
    try:
        conflicts = conflicts_of_sides(session.repository, sides, session.name)
    except SessionError:  # an old git: `conflicts` says so
        return []
    return [describe_conflict(each).partition("\n")[0] for each in conflicts if each.kind == "conflict"]


def _quiet_sides(repository: Repository, sessions: Sequence[Session]) -> list[Side]:
    usable = [
        look for look in worktree_looks.look_at_worktrees(repository, sessions) if not worktree_looks.why_unusable(look)
    ]
    return session_changes.find_sides(repository, usable, quiet=True)


def new_session_sentences(session: Session, sessions: Sequence[Session]) -> list[str]:
    """Return what the new *session* cannot be merged with, and which of *sessions* changed files of its component."""
    sentences = conflict_sentences(session, sessions) if session.brings_work else []
    if not session.scope:
        return sentences
    for side in _quiet_sides(session.repository, [each for each in sessions if each.name != session.name]):
        from ..config import components

        inside = side.changes.paths - {*components.outside_scope(side.changes.paths, session.scope)}
        if inside:
            files = shorten_files(sorted(inside))
            sentences.append(f"{side.name} has changed files of component {session.component}: {files}")
    return sentences


def known_conflicts(repository: Repository, all_looks: Sequence[Look]) -> Conflicts:
    """Return the conflicts of the sessions of *all_looks*.

    `list` must stay quick: beyond a few merges none is tried.
    """
    sides = session_changes.find_sides(
        repository, [look for look in all_looks if not worktree_looks.why_unusable(look)], quiet=True
    )
    conflicts = _with_clashes(repository, sides, [each for side in sides for each in _outside(side)])
    pairs, onto = _to_try(repository, sides)
    if len(pairs) + len(onto) > _MOST:
        return Conflicts(tuple(conflicts))
    try:
        if pairs or onto:
            from . import trial_merge

            conflicts += trial_merge.try_merges(repository, pairs, onto)
    except SessionError:  # an old git: `conflicts` says so
        return Conflicts(tuple(conflicts))
    return Conflicts(tuple(conflicts), tried=True)


def conflict_notes(statuses: Sequence[Status]) -> list[str]:
    """Return what `list` mentions of the sessions: what cannot be merged, or that this was not tried."""
    if not all(status.tried for status in statuses):
        return ["Sessions change the same files. See which of them conflict: inv session.conflicts"]
    conflicts = {each for status in statuses for each in status.conflicts if each.kind == "conflict"}
    return sorted(describe_conflict(each) for each in conflicts)


def print_notes(notes: Iterable[str]) -> None:
    """Print each of *notes* once, beside the answer."""
    for note in sorted(set(notes)):
        notice(note)


def describe_conflict(conflict: Conflict) -> str:
    """Return *conflict* as a sentence."""
    files = shorten_files(conflict.files)
    if conflict.kind == "scope":
        return f"{conflict.session} changed files outside of its component {conflict.other}: {files}"
    if conflict.against == "operation":
        return f"{conflict.session} {conflict.why}{': ' * bool(files)}{files}\n{conflict.fix}"
    other = f"{'its base ' * (conflict.against == 'base')}{conflict.other}"
    if conflict.why:
        return f"{conflict.session} and {other} {conflict.why}: {files}\n{conflict.fix}"
    if conflict.kind == "conflict":
        return f"{conflict.session} conflicts with {other} in {files}"
    return f"{conflict.session} and {other} changed the same files, and git merges them: {files}"


def shorten_files(files: Sequence[str], most: int = 3) -> str:
    """Return the first of *files*, and how many there are beyond them."""
    more = f" and {len(files) - most} more" if len(files) > most else ""
    return ", ".join(map(terminal.file_name, files[:most])) + more


def conflicts_table(conflicts: Sequence[Conflict]) -> str:
    """Return the *conflicts* as a table for people."""
    if not conflicts:
        return "No conflicts."
    names = {"session": "{}", "base": "{} (base)", "component": "{} (component)", "operation": "{} (in progress)"}
    rows = [
        [each.kind, each.session, names[each.against].format(each.other), shorten_files(each.files)]
        for each in conflicts
    ]
    from ..system import table

    text = table.format_table(rows, ["kind", "session", "with", "files"])
    return "\n".join([text, *(describe_conflict(each) for each in conflicts if each.why)])


def refuse_conflicts(conflicts: Sequence[Conflict]) -> None:
    """Raise `OutcomeError` with how many of *conflicts* git can't merge, if there are any."""
    if count := sum(each.kind == "conflict" for each in conflicts):
        raise OutcomeError(f"{count} conflict{'s' * (count > 1)}")


def _is_about(conflict: Conflict, name: str) -> bool:
    return name == conflict.session or (name == conflict.other and conflict.against == "session")


def _to_try(
    repository: Repository, sides: Sequence[Side], about: str = ""
) -> tuple[list[trial_merge.Both], list[trial_merge.Both]]:
    """Return the pairs of sessions, and of sessions and bases, that changed the same paths."""
    pairs = [
        (one, other)
        for one, other in combinations(sides, 2)
        if about in ("", one.name, other.name) and one.changes.may_conflict(other.changes)
    ]
    partners = {side.name for both in pairs for side in both}
    chosen = [side for side in sides if about in ("", side.name) or side.name in partners]
    bases = session_changes.base_sides(repository, chosen)
    onto = [(side, bases[side.name]) for side in sides if side.name in bases]
    return pairs, [(side, base) for side, base in onto if side.changes.may_conflict(base.changes)]


def _outside(side: Side) -> list[Conflict]:
    if side.look is None:  # of a session on another machine, its commits are all that is known
        return []
    assert side.look.work is not None  # it is not a base
    session, work = side.look.session, side.look.work
    if not session.scope:
        return []
    nested = {path.rstrip("/") for path in work.untracked if path.endswith("/")}
    paths = {*(side.changes.paths - nested), *worktree_status.list_untracked(session, work)}
    from ..config import components

    files = components.outside_scope(paths, session.scope)
    return [Conflict("scope", side.name, session.component, "component", files)] if files else []


def _begun(side: Side) -> list[Conflict]:
    return begun_operations(side.look) if side.look is not None else []


def begun_operations(look: Look) -> list[Conflict]:
    """Return what git has begun in the worktree and not finished: a conflict where it has stopped at one."""
    if not (operation := look.operation):
        return []
    files = look.work.unmerged if look.work else ()
    (_why, command), *undo = worktree_looks.operation_steps(look.session, operation)
    fix = f"Resolve it, `git add` the files, then run: {command}" if files else f"Finish it: {command}"
    fix = "\n".join([fix, *(f"Or undo it: {each}" for _why, each in undo)])
    why = f"has a {operation} in progress{', which stopped at a conflict' * bool(files)}"
    return [Conflict("conflict" if files else "operation", look.session.name, operation, "operation", files, why, fix)]
