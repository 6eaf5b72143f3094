"""Delete what removed sessions left: old saved copies, and rows whose worktree is gone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from math import isinf
from typing import Any, NamedTuple

from .. import lifecycle
from ..errors import OutcomeError, SessionError, suggest_name
from ..model import Removal, Repository, Session
from ..resources import worktree
from ..store import archive, base_refs, old_copies, refilling, registry, stray_refs
from ..system import rooted, table, terminal
from ..system.progress import notice
from ..tools import git, worktrees


class Limit(NamedTuple):
    """How long removed sessions are kept, in *days*, and how many bytes they may take (`keep_removed_size`)."""

    days: float
    size: float


def doomed_archives(repository: Repository, days: float, names: Sequence[str] = ()) -> list[archive.Archive]:
    """Return the archives that are more than *days* old, of the sessions with these *names* if there are any."""
    if names:
        known = sorted({each.name for each in archive.list_archives(repository)})
        if unknown := [name for name in names if name not in known]:
            meant = suggest_name(unknown[0], known)
            raise SessionError(f'No removed session "{unknown[0]}".{meant}\nList them: inv session.list --removed')
    older = archive.list_older_archives(repository, days)
    return [each for each in older if (not names or each.name in names) and not _is_needed(repository, each)]


def require_consent(repository: Repository, doomed: Sequence[archive.Archive], all_of_them: bool) -> None:
    """Have a person agree to delete *doomed*, if that is *all_of_them* or they hold work that exists nowhere else.

    Without a terminal raise `SessionError` with the command that deletes them.
    """
    from ..store import unique

    holding = {each.directory for each in doomed if unique.holds_work(repository, each)}
    if not doomed or not (holding or all_of_them):
        return
    mark = "  (its work may exist nowhere else)"
    lines = [f"  {_describe(each)}{mark if each.directory in holding else ''}" for each in doomed]
    total = table.format_size(sum(each.size for each in doomed))
    copies = f"{len(doomed)} saved {'copy' if len(doomed) == 1 else 'copies'} ({total})"
    listed = "\n".join(lines)
    if not terminal.can_ask():
        raise SessionError(f"{copies} would be deleted for good:\n{listed}\nRun: {terminal.command_with_consent()}")
    if not terminal.ask_consent(f"{listed}\nDelete {copies} for good?"):
        raise OutcomeError("Nothing was deleted.")


class Deleted(NamedTuple):
    """An archive that was deleted, or would be: for people, and for programs."""

    text: str
    record: dict[str, Any]


def delete_archives(repository: Repository, doomed: Sequence[archive.Archive], dry_run: bool) -> list[Deleted]:
    """Delete *doomed*, unless they are used by now; return what was deleted."""
    verb = "Would delete" if dry_run else "Deleted"
    answers = [(each, Deleted(f"{verb} {_describe(each)}", each.record())) for each in doomed]
    return [to for each, to in answers if dry_run or (not _is_needed(repository, each) and _drop(repository, each))]


def prune_rest(repository: Repository, sessions: Sequence[Session], limit: Limit, dry_run: bool) -> list[str]:
    """Delete what is too large and holds no work, refs of no session, and rows of lost worktrees; return a line each.

    A lost worktree's branch and volumes stay: what they hold may exist nowhere else.
    """
    verb = "Would delete" if dry_run else "Deleted"
    lines = _shrink(repository, limit, dry_run)
    for reference in stray_refs.list_stray_refs(repository, limit.days):
        if not dry_run:
            git.run_git(repository.main, "update-ref", "-d", reference)
        lines.append(f"{verb} {reference}, which belongs to no session")
    for reference in base_refs.list_unused_bases(repository):
        if not dry_run:
            git.run_git(repository.main, "update-ref", "-d", reference)
        lines.append(f"{verb} {reference}, from which no session starts any more")
    for place in old_copies.list_old_copies(repository.private, limit.days):
        if not dry_run:
            rooted.Root(repository.private).remove_tree(str(place.relative_to(repository.private)))
        lines.append(f"{verb} {place}, which session.refresh or session.add replaced")
    for session in sessions:
        if _is_lost(session):
            if not dry_run:
                lifecycle.remove_session(session, Removal(keep_branch=True, keep_volumes=True))
            lines.append(f"{verb} {session.name}: its worktree is gone. Its branch {session.branch} stays.")
    return lines


def describe_nothing(repository: Repository, limit: Limit) -> str:
    """Return why there is nothing to delete."""
    total = sum(each.size for each in archive.list_archives(repository))
    age = "" if isinf(limit.days) else f"no session was removed more than {limit.days:g} days ago, and "
    return f"Nothing to delete: {age}{_describe_sizes(total, limit)}."


def _describe_sizes(total: float, limit: Limit) -> str:
    allowed = "any size" if isinf(limit.size) else table.format_size(int(limit.size))
    return f"saved copies take {table.format_size(int(total))} (setting keep_removed_size: {allowed})"


def _describe(old: archive.Archive) -> str:
    return f"{old.name}: removed {old.removed:%Y-%m-%d %H:%M}, {table.format_size(old.size)}"


def _is_lost(session: Session) -> bool:
    """Return whether its worktree is gone for good; one that is locked is on a disk that is not there just now."""
    place = session.worktree
    if session.state != "ready" or os.path.lexists(place):
        return False
    if away := worktrees.find_displaced(session):
        notice(f"{session.name} stays. {away[0]}.\nRun: {away[1]}")
    elif worktree.is_locked(session, worktree.find_own_worktree(session)):
        notice(f"{session.name} stays: its worktree {place} is locked, so it may be on another disk.")
    elif absence := worktrees.describe_absence(place):
        notice(
            f"{session.name} stays: {absence}, so its worktree may be on a disk that isn't mounted. If it was deleted,"
            f" remove the session.\nRun: inv session.remove {session.name} --keep-branch --force"
        )
    else:
        return True
    return False


def _shrink(repository: Repository, limit: Limit, dry_run: bool) -> list[str]:
    """Delete the oldest archives that hold nothing of their own until the others fit; name those that are too large."""
    verb, lines = "Would delete" if dry_run else "Deleted", list[str]()
    archives = [each for each in archive.list_archives(repository) if not _is_needed(repository, each)]
    total = sum(each.size for each in archives)
    holding = []
    for old in reversed(archives):
        if total <= limit.size:
            break
        from ..store import unique

        if unique.holds_work(repository, old):
            holding.append(old)
            continue
        line, size = f"{verb} {_describe(old)}, as {_describe_sizes(total, limit)}", old.size
        if dry_run or _drop(repository, old):
            lines.append(line)
            total -= size
    if total > limit.size and holding:
        names = ", ".join(f"{each.name} ({table.format_size(each.size)})" for each in holding)
        sizes = _describe_sizes(total, limit)
        notice(
            f"S{sizes[1:]}. These hold work that may exist nowhere else, so they stay:"
            f" {names}.\nRun: inv session.prune --days DAYS"
        )
    return lines


def _drop(repository: Repository, old: archive.Archive) -> bool:
    """Delete *old* and return whether that was done: not while another command uses it, or its name."""
    with ExitStack() as until:
        if not registry.try_session_lock(repository, old.name, until):
            notice(f"{old.name} stays: another command is working on a session of that name.")
            return False
        with refilling.thinning_ended(old.directory):
            archive.drop_archive(repository, old)
        return True


def _is_needed(repository: Repository, old: archive.Archive) -> bool:
    """Return whether a restore is using *old*, or was killed and still needs it."""
    return any(row.get("archive") == str(old.directory) for row in registry.read_registry(repository).values())
