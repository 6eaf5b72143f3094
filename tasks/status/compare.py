"""Two sessions side by side: how much each changed, and how a command fares in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import SessionError
from ..model import Repository, Session
from ..system import progress, session_command, shell, table
from ..tools import git, worktree_status
from . import session_changes, trial_merge, worktree_looks
from .conflicts import shorten_files
from .session_changes import Side


class Approach(NamedTuple):
    """What one session changed since *fork*, its uncommitted work included; *run* when a command was tried in it."""

    name: str
    base: str
    fork: str
    commits: int
    uncommitted: int
    files: int
    insertions: int
    deletions: int
    run: session_command.Run | None = None

    def record(self) -> dict[str, Any]:
        """Return it as `compare --json` shows it."""
        facts = {key: value for key, value in self._asdict().items() if key != "run"}
        return {**facts, "run": {**self.run._asdict(), "seconds": round(self.run.seconds, 3)} if self.run else None}


class Comparison(NamedTuple):
    """Two approaches, the files that both changed, and those of them in conflict."""

    approaches: tuple[Approach, Approach]
    both: tuple[str, ...]
    conflicts: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return it as `compare --json` shows it."""
        approaches = [each.record() for each in self.approaches]
        return {"sessions": approaches, "both": [*self.both], "conflicts": [*self.conflicts]}


def compare_sessions(repository: Repository, sessions: Sequence[Session], command: str = "") -> Comparison:
    """Compare two *sessions*; the *command* runs in one after the other, so that neither slows the other down.

    Raises `SessionError` when one of them is not complete, or they have no commit in common.
    """
    if len({session.name for session in sessions}) != 2:
        raise SessionError("Name two different sessions.\nFor example: inv session.compare redis in-memory")
    all_looks = worktree_looks.look_at_worktrees(repository, sessions)
    for look in all_looks:
        if why := worktree_looks.why_unusable(look):
            raise SessionError(why)
    sides = _from_common_base(
        repository, session_changes.find_sides(repository, session_changes.usable_looks(all_looks))
    )
    with session_changes.open_shelf(repository) as shelf:
        now = session_changes.sides_as_they_are(repository, sides, shelf)
        if len(now) != 2:
            raise SessionError("Couldn't compare them: git couldn't read the work of both sessions.")
        one, other = (now[session.name] for session in sessions)
        pair = (one.commit, other.commit)
        conflicts = trial_merge.conflicting_paths(repository, [pair], shelf.environment)[pair]
        first, second = (_approach(repository, side, shelf) for side in (one, other))
    if command:
        runs = [_run(session, command) for session in sessions]
        first, second = first._replace(run=runs[0]), second._replace(run=runs[1])
    both = one.changes.paths & other.changes.paths
    return Comparison((first, second), tuple(sorted(both)), tuple(sorted(conflicts)))


def _from_common_base(repository: Repository, sides: Sequence[Side]) -> list[Side]:
    """Measure each from where it left the base, if that is the same for both, else from their last common commit."""
    one, other = sides
    fork = session_changes.find_forks(repository, [(one.commit, other.commit)]).get((one.commit, other.commit), "")
    if not fork:
        names = f"{one.name} and {other.name}"
        raise SessionError(f"{names} have no commit in common here.\nIn a shallow clone, run: git fetch --unshallow")
    if one.tip and one.tip == other.tip:
        return list(sides)
    return [side._replace(fork=fork, tip="") for side in sides]


def _approach(repository: Repository, side: Side, shelf: session_changes.Shelf) -> Approach:
    assert side.look is not None and side.look.work is not None  # it is not a base
    session, work = side.look.session, side.look.work
    commits = git.read_git(repository.main, "rev-list", "--count", work.head, f"^{side.fork}")
    argv = ("git", "-C", str(repository.main), "diff-tree", "-r", "-M", "--numstat", "-z", side.fork, side.commit)
    lines = [*_numbers(shell.read_output(*argv, env=shelf.environment))]
    uncommitted = len(work.changed) + len(worktree_status.list_untracked(session, work))
    return Approach(
        side.name, session.base, side.fork, int(commits), uncommitted,
        len(lines), sum(inserted for inserted, _ in lines), sum(deleted for _, deleted in lines),
    )  # fmt: skip


def _numbers(output: str) -> Iterator[tuple[int, int]]:
    """Yield the inserted and deleted lines of each file; those of a binary one are not counted."""
    for word in output.split("\0"):
        inserted, tab, rest = word.partition("\t")
        if tab and (inserted == "-" or inserted.isdigit()):
            yield (0, 0) if inserted == "-" else (int(inserted), int(rest.split("\t")[0]))


def _run(session: Session, command: str) -> session_command.Run:
    progress.say(f"== {command}  in {session.name}")
    return session_command.run_in_session(session, command)


def comparison_table(comparison: Comparison) -> str:
    """Return the comparison as a table for people."""
    one, other = comparison.approaches
    facts = ("commits", "uncommitted", "files", "insertions", "deletions")
    rows = [[fact, getattr(one, fact), getattr(other, fact)] for fact in facts]
    rows.insert(0, ["since", *(f"{each.base} {each.fork[:10]}".strip() for each in comparison.approaches)])
    if one.run and other.run:
        rows += [["exit code", one.run.exit_code, other.run.exit_code]]
        rows += [["seconds", *(f"{each.run.seconds:.2f}" for each in (one, other) if each.run)]]
    lines = [table.format_table(rows, ["", one.name, other.name])]
    lines += [f"changed in both: {shorten_files(comparison.both, 20)}"] if comparison.both else []
    lines += [f"conflicts: {shorten_files(comparison.conflicts, 20)}"] if comparison.conflicts else []
    if not any(each.files for each in comparison.approaches):
        lines += ["Neither changed anything."]
    return "\n".join(lines)
