"""Two sessions side by side: how much each changed, and how a command fares in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .. import git, narration, shell, work
from ..errors import SessionError
from ..machine import tables, within
from ..model import Repository, Session
from . import changes, merges, sides, trees
from .findings import shortened
from .sides import Side


@dataclass(frozen=True)
class Approach:
    """What one session changed since *fork*, its uncommitted work included; *run* when a command was tried in it."""

    name: str
    base: str
    fork: str
    commits: int
    uncommitted: int
    files: int
    insertions: int
    deletions: int
    run: within.Run | None = None

    def record(self) -> dict[str, Any]:
        """Return it as `compare --json` shows it."""
        facts = {key: value for key, value in vars(self).items() if key != "run"}
        return {**facts, "run": {**vars(self.run), "seconds": round(self.run.seconds, 3)} if self.run else None}


@dataclass(frozen=True)
class Comparison:
    """Two approaches, the files that both changed, and those of them that git cannot merge."""

    approaches: tuple[Approach, Approach]
    both: tuple[str, ...]
    hot: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return it as `compare --json` shows it."""
        return {"sessions": [each.record() for each in self.approaches], "both": [*self.both], "hot": [*self.hot]}


def of(repository: Repository, sessions: Sequence[Session], command: str = "") -> Comparison:
    """Compare two *sessions*; the *command* runs in one after the other, so that neither slows the other down.

    Raises `SessionError` when one of them is not complete, or they have no commit in common.
    """
    if len({session.name for session in sessions}) != 2:
        raise SessionError("compare needs two different sessions; for example: inv session.compare redis in-memory")
    for session in sessions:
        if why := sides.unusable(session):
            raise SessionError(why)
    known = _from_common_base(repository, sides.of(repository, sides.look(repository, sessions)))
    with trees.shelf(repository) as shelf:
        now = sides.as_they_are(repository, known, shelf)
        if len(now) != 2:
            raise SessionError("the work of both is needed for a comparison")
        one, other = (now[session.name] for session in sessions)
        pair = (one.commit, other.commit)
        clashing = merges.conflicting(repository, [pair], shelf.environment)[pair]
        first, second = (_approach(repository, side, shelf) for side in (one, other))
    if command:
        runs = [_tried(session, command) for session in sessions]
        first, second = replace(first, run=runs[0]), replace(second, run=runs[1])
    both = one.changed.paths & other.changed.paths
    return Comparison((first, second), tuple(sorted(both)), tuple(sorted(clashing)))


def _from_common_base(repository: Repository, known: Sequence[Side]) -> list[Side]:
    """Measure each from where it left the base, if that is the same for both, else from their last common commit."""
    one, other = known
    fork = changes.forks(repository, [(one.commit, other.commit)]).get((one.commit, other.commit), "")
    if not fork:
        names = f"{one.name} and {other.name}"
        raise SessionError(f"{names} have no commit in common here; in a shallow clone: git fetch --unshallow")
    if one.tip and one.tip == other.tip:
        return list(known)
    return [replace(side, fork=fork, tip="") for side in known]


def _approach(repository: Repository, side: Side, shelf: trees.Shelf) -> Approach:
    assert side.session is not None and side.work is not None  # it is no base
    counted = git.read(repository.main, "rev-list", "--count", side.work.head, f"^{side.fork}")
    argv = ("git", "-C", str(repository.main), "diff-tree", "-r", "-M", "--numstat", "-z", side.fork, side.commit)
    lines = [*_numbers(shell.read(*argv, env=shelf.environment))]
    uncommitted = len(side.work.changed) + len(work.untracked_files(side.session, side.work))
    return Approach(
        side.name, side.session.base, side.fork, int(counted), uncommitted,
        len(lines), sum(inserted for inserted, _ in lines), sum(deleted for _, deleted in lines),
    )  # fmt: skip


def _numbers(said: str) -> Iterator[tuple[int, int]]:
    """Yield the inserted and deleted lines of each file; those of a binary one are not counted."""
    for word in said.split("\0"):
        inserted, tab, rest = word.partition("\t")
        if tab and (inserted == "-" or inserted.isdigit()):
            yield (0, 0) if inserted == "-" else (int(inserted), int(rest.split("\t")[0]))


def _tried(session: Session, command: str) -> within.Run:
    narration.say(f"== {command}  in {session.name}")
    return within.run(session, command)


def table(found: Comparison) -> str:
    """Return the comparison as a table for people."""
    one, other = found.approaches
    facts = ("commits", "uncommitted", "files", "insertions", "deletions")
    rows = [[fact, getattr(one, fact), getattr(other, fact)] for fact in facts]
    rows.insert(0, ["since", *(f"{each.base} {each.fork[:10]}".strip() for each in found.approaches)])
    if one.run and other.run:
        rows += [["exit code", one.run.exit_code, other.run.exit_code]]
        rows += [["seconds", *(f"{each.run.seconds:.2f}" for each in (one, other) if each.run)]]
    lines = [tables.table(rows, ["", one.name, other.name])]
    lines += [f"both changed: {shortened(found.both, 20)}"] if found.both else []
    lines += [f"git cannot merge: {shortened(found.hot, 20)}"] if found.hot else []
    if not any(each.files for each in found.approaches):
        lines += ["neither changed anything"]
    return "\n".join(lines)
