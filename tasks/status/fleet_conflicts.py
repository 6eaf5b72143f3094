"""Conflicts between the sessions of all machines: the branches of those on hosts are fetched, on refs of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..config.settings import Settings
from ..errors import SessionError
from ..hosts import branches, find
from ..hosts import host as hosts_host
from ..hosts.host import Host
from ..model import Conflict, Repository, Session
from ..system import progress
from ..tools import git
from . import conflicts, session_changes, worktree_looks
from .session_changes import Side

_REFS = "refs/tally/fleet"
_AT_ONCE = 8  # fetches

Rows = Mapping[str, Mapping[str, Any]]  # by session


def find_fleet_conflicts(
    settings: Settings, repository: Repository, sessions: Sequence[Session], about: str = ""
) -> list[Conflict]:
    """Return the conflicts of *sessions*, which are here, and of those on hosts; with *about* only that one's.

    Of a session on a host its commits count, of one here also what is not committed. A host that does not answer is
    left out, with a note.
    """
    rows = _rows(settings, repository)
    with progress.show_busy("fetch", ", ".join(host.name for host in rows)):
        commits = _fetch(rows, repository)
    looks = session_changes.usable_looks(worktree_looks.look_at_worktrees(repository, sessions))
    sides = [*session_changes.find_sides(repository, looks), *_sides(commits, rows, repository)]
    if about and about not in (side.name for side in sides):
        raise SessionError(f'No session "{about}" whose branch could be read.\nRun: inv fleet.list')
    return conflicts.conflicts_of_sides(repository, sides, about)


def _rows(settings: Settings, repository: Repository) -> dict[Host, Rows]:
    rows: dict[Host, Rows] = {}
    for host, answer in find.survey_hosts(hosts_host.configured_hosts(settings), settings, repository):
        if isinstance(answer, SessionError):
            progress.notice(f"Left out: {answer}")
        else:
            rows[host] = {name: find.check_row(host, row) for name, row in answer["sessions"].items()}
    return rows


def _fetch(rows: Mapping[Host, Rows], repository: Repository) -> dict[str, str]:
    """Fetch the branch of each session, and return its commit by name; refs of sessions that are gone go."""

    def fetch(host: Host) -> None:
        wanted = [f"+refs/heads/{row['branch']}:{_ref(host, row['branch'])}" for row in rows[host].values()]
        try:
            if wanted:
                branches.transfer_refs(repository, host, "fetch", *wanted)
        except SessionError as error:
            progress.notice(f"Left out, or as it was fetched last: {error}")

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(fetch, rows))
    named = {_ref(host, row["branch"]): name for host, own in rows.items() for name, row in own.items()}
    form = "--format=%(objectname) %(refname)"
    listed = git.read_git(repository.main, "for-each-ref", form, _REFS).splitlines()
    found = {ref: commit for commit, ref in (line.split(" ", 1) for line in listed)}
    for host in rows:
        for ref in (ref for ref in found if ref.startswith(f"{_REFS}/{host.name}/") and ref not in named):
            git.read_git(repository.main, "update-ref", "-d", ref, check=False)
    return {named[ref]: commit for ref, commit in found.items() if ref in named}


def _ref(host: Host, branch: str) -> str:
    return f"{_REFS}/{host.name}/{branch}"


def _sides(commits: Mapping[str, str], rows: Mapping[Host, Rows], repository: Repository) -> list[Side]:
    bases = {name: str(row.get("based") or row.get("base", "")) for own in rows.values() for name, row in own.items()}
    tips = {name: git.resolve_commit(repository, bases[name] or "HEAD") for name in commits}
    forks = session_changes.find_forks(repository, [(commits[name], tips[name]) for name in commits])
    pairs = {name: (forks.get((commits[name], tips[name]), ""), commits[name]) for name in commits}
    changes = session_changes.changes_between(repository, list(pairs.values()))
    return [
        Side(name, commits[name], fork, changes[fork, commits[name]], tip=tips[name] if fork else "", base=bases[name])
        for name, (fork, _commit) in pairs.items()
    ]
