"""What each session changed since its base, committed or not, as commits that git can compare."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..errors import CommandError, SessionError, quote_text
from ..model import Repository, Session
from ..system import shell
from ..system.progress import notice
from ..tools import git, worktree_status
from ..tools.worktree_status import Work
from . import worktree_looks
from .worktree_looks import AT_ONCE, Look

_TOO_BIG = 100_000_000  # bytes of one untracked file: reading it would take longer than the answer is worth
_QUIET = (
    "core.hooksPath=/dev/null", "core.splitIndex=false", "core.fsmonitor=false", "core.safecrlf=false",
    "advice.addEmbeddedRepo=false",
)  # fmt: skip


class Shelf(NamedTuple):
    """A *directory* for new objects of git; with its environment git reads the repository's own as well."""

    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which git reads both and writes there."""
        return {**shell.clean_environment(), **git.NOBODY, "GIT_OBJECT_DIRECTORY": str(self.directory / "objects")}


@contextmanager
def open_shelf(repository: Repository) -> Iterator[Shelf]:
    """Yield a shelf that is deleted afterwards, with everything on it."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="tally-") as scratch:
        info = Path(scratch, "objects", "info")
        info.mkdir(parents=True)
        quoted = str(repository.common / "objects").replace("\\", "\\\\").replace('"', '\\"')
        (info / "alternates").write_text(f'"{quoted}"\n', encoding="utf-8", errors="surrogateescape")
        yield Shelf(Path(scratch))


def commit_worktree(look: Look, shelf: Shelf) -> str:
    """Return a commit of what is in the worktree: its HEAD, or a commit on *shelf* that follows it.

    It has none of the copies and links that `add` made, no nested repositories, and no files that are too big to be
    read. Raises `SessionError` when git cannot read the work.
    """
    session, work = look.session, look.work
    assert work is not None and look.admin_dir is not None  # it was looked at
    if not work.dirty:
        return work.head
    index = shelf.directory / f"index-{session.slug}"
    if (look.admin_dir / "index").exists():
        shutil.copy2(look.admin_dir / "index", index)  # with its time: git then knows which files are unchanged
    environment = {**shelf.environment, "GIT_INDEX_FILE": str(index)}

    def run(*arguments: str, given: str | None = None) -> str:
        settings = (word for setting in _QUIET for word in ("-c", setting))
        argv = ("git", "-C", str(session.worktree), *settings, *arguments)
        return shell.run_long(*argv, env=environment, given=given).strip()

    _add_all(look, run)
    parents = [*([work.head] if work.head else []), *merged_heads(look.admin_dir)]
    message = ("-m", f"What is in {session.name}")
    return run("commit-tree", run("write-tree"), *(word for parent in parents for word in ("-p", parent)), *message)


def _add_all(look: Look, run: Callable[..., str]) -> None:
    """Have git add all of the work; the paths go through its stdin: they may be too many for arguments."""
    pathspecs = [":/", *(f":(exclude,literal,top){path.rstrip('/')}" for path in _excluded_paths(look))]
    words = ("add", "--all", "--sparse", "--ignore-errors", "--pathspec-from-file=-", "--pathspec-file-nul")
    try:
        run(*words, given="\0".join(pathspecs))
    except CommandError as error:
        if error.exit_code != 1:
            raise
        # git also fails on ignored paths that are excluded here: then nothing is missing.
        if unread := [line for line in error.stderr.splitlines() if line.startswith("error: ")]:
            name, reason = look.session.name, unread[0].removeprefix("error: ")
            notice(f"{name}: Git couldn't read all of its work: {reason}")


def _excluded_paths(look: Look) -> list[str]:
    session, work = look.session, look.work
    assert work is not None
    own = [path for path in (*session.copy, *session.link, *session.env) if not _is_behind_link(session, path)]
    excluded = [*own, *work.own]
    for path in worktree_status.list_untracked(session, work):
        if path.endswith("/"):  # a repository of its own
            excluded.append(path)
        elif (size := _size(session.worktree / path)) > _TOO_BIG:
            notice(f"{session.name}: Left out {path}, an untracked file of {size / 1e6:.0f} MB.")
            excluded.append(path)
    return excluded


def _is_behind_link(session: Session, path: str) -> bool:
    """Return whether a directory of *path* is a link: git has only the link, and refuses paths beyond it."""
    return any((session.worktree / parent).is_symlink() for parent in Path(path.rstrip("/")).parents)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # deleted just now
        return 0


def merged_heads(admin_dir: Path) -> list[str]:
    """Return the commits that are being merged: what comes from them is not the session's work."""
    try:
        return (admin_dir / "MERGE_HEAD").read_text().split()
    except FileNotFoundError:
        return []


Pair = tuple[str, str]


@dataclass(frozen=True)
class Changes:
    """The *paths* that were changed, a new directory as one of them; *deletions*: those that are gone."""

    paths: frozenset[str] = frozenset()
    deletions: frozenset[str] = frozenset()

    @cached_property
    def directories(self) -> frozenset[str]:
        """The directories of the paths, their parents included."""
        return _directories(self.paths)

    @cached_property
    def emptied(self) -> frozenset[str]:
        """The directories that lost a file: who moved one moves also what others put there."""
        return _directories(self.deletions)

    def __or__(self, other: Changes) -> Changes:
        return Changes(self.paths | other.paths, self.deletions | other.deletions)

    def may_conflict(self, other: Changes) -> bool:
        """Return whether git has something to merge in both: never False where it would find a conflict."""
        return not (
            self.paths.isdisjoint(other.paths)
            and self.paths.isdisjoint(other.directories)
            and self.directories.isdisjoint(other.paths)
            and self.emptied.isdisjoint(other.directories)
            and self.directories.isdisjoint(other.emptied)
        )


def _directories(paths: Iterable[str]) -> frozenset[str]:
    parents = {str(PurePosixPath(path).parent) for path in paths}
    return frozenset(parents | {str(above) for each in parents for above in PurePosixPath(each).parents if above.name})


def uncommitted_changes(work: Work) -> Changes:
    """Return what is changed in a worktree and not committed."""
    paths = {path.rstrip("/") for path in (*work.changed, *work.untracked, *work.gone)}
    return Changes(frozenset(paths), frozenset(work.gone))


def find_forks(repository: Repository, pairs: Iterable[Pair], env: Mapping[str, str] | None = None) -> dict[Pair, str]:
    """Return for each of *pairs*, full commit ids, the commit that both come from; empty when they share none."""
    commits = sorted({pair for pair in pairs if all(pair)})
    if not commits:
        return {}
    argv = ("git", "-C", str(repository.main), "rev-parse", *(f"{one}...{other}" for one, other in commits))
    forks: list[list[str]] = []
    names = 0
    for line in shell.read_output(*argv, env=env).splitlines():
        if line.startswith("^"):
            forks[-1].append(line[1:])
        else:
            forks += [[]] if names % 2 == 0 else []
            names += 1
    return {pair: (bases or [""])[0] for pair, bases in zip(commits, forks, strict=True)}


def changes_between(
    repository: Repository, pairs: Sequence[Pair], env: Mapping[str, str] | None = None
) -> dict[Pair, Changes]:
    """Return for each of *pairs*, an older and a newer commit, what the newer changed; one process for all."""
    different = sorted({(old, new) for old, new in pairs if old and new and old != new})
    changes = dict.fromkeys(pairs, Changes())
    if not different:
        return changes
    argv = ("git", "-C", str(repository.main), "diff-tree", "--stdin", "--always", "-r", "--no-renames", "-z")
    commits = "".join(f"{new} {old}\n" for old, new in different)
    words = iter(shell.read_output(*argv, "--name-status", env=env, given=commits).split("\0"))
    lists: list[list[tuple[str, str]]] = []
    for word in words:
        if len(word) == 1:  # the letter of what happened to the path that follows
            lists[-1].append((word, next(words)))
        elif word:  # the commit whose paths follow
            lists.append([])
    for pair, paths in zip(different, lists, strict=True):
        deletions = frozenset(path for letter, path in paths if letter == "D")
        changes[pair] = Changes(frozenset(path for _, path in paths), deletions)
    return changes


class Side(NamedTuple):
    """One side of a merge: what is at *commit*, changed since *fork*; of a session also the *look* at its worktree."""

    name: str
    commit: str
    fork: str
    changes: Changes
    look: Look | None = None  # None for a base
    tip: str = ""  # of its base; empty when the base is unknown, or has no commit in common with the session
    base: str = ""  # what that is called, of a session without a look: one on another machine


def usable_looks(all_looks: Iterable[Look]) -> list[Look]:
    """Return those of *all_looks* whose work can be compared; prints why another's cannot, and what is unusual."""
    usable = []
    for look in all_looks:
        if why := worktree_looks.why_unusable(look):
            notice(f"Left out: {why}")
        else:
            usable.append(look)
            _note_unusual(look)
    return usable


def _note_unusual(look: Look) -> None:
    session, work = look.session, look.work
    assert work is not None  # it is usable
    if operation := look.operation:
        notice(f"{session.name}: A {operation} is in progress. Its files are compared as they are now.")
    elif work.branch != session.branch:
        place = f"a detached HEAD at {work.head[:12]}" if work.branch == "(detached)" else work.branch
        notice(f"{session.name} is on {place}, not on {session.branch}. It is compared as it is.")
    if not look.tip:
        notice(f"{session.name}: Its base {quote_text(session.base)} no longer exists. Compared with its start.")
    for link in worktree_looks.links_out(session):
        notice(f"{session.name}: {link} is a link out of its worktree. Files behind it are not compared.")


def find_sides(repository: Repository, all_looks: Sequence[Look], quiet: bool = False) -> list[Side]:
    """Return the sides of sessions: their commits at HEAD, their changes with what is not committed."""
    heads = [(look.work.head, look.tip) for look in all_looks if look.work and look.work.head != look.tip]
    forks = find_forks(repository, heads)
    sides = [_side(repository, look, look.work, forks, quiet) for look in all_looks if look.work]
    committed = changes_between(repository, [(side.fork, side.commit) for side in sides])
    return [side._replace(changes=side.changes | committed[side.fork, side.commit]) for side in sides]


def _side(repository: Repository, look: Look, work: Work, forks: dict[Pair, str], quiet: bool) -> Side:
    session, tip = look.session, look.tip
    fork = tip if work.head == tip else forks.get((work.head, tip), "")
    if tip and not fork and not quiet:
        notice(
            f"{session.name} and its base {session.base} have no commit in common here. Compared with its start."
            "\nIn a shallow clone, run: git fetch --unshallow"
        )
    start = fork or git.resolve_commit(repository, session.start or "HEAD")
    return Side(session.name, work.head, start, uncommitted_changes(work), look, tip if fork else "")


def base_sides(repository: Repository, sides: Iterable[Side]) -> dict[str, Side]:
    """Return by session its base as the other side, where that has moved on."""
    behind = [side for side in sides if side.tip and side.tip != side.fork]
    news = changes_between(repository, [(side.fork, side.tip) for side in behind])
    return {side.name: Side(_base(side), side.tip, side.fork, news[side.fork, side.tip]) for side in behind}


def _base(side: Side) -> str:
    return side.base or (side.look and side.look.session.base) or "HEAD"


def sides_as_they_are(repository: Repository, sides: Sequence[Side], shelf: Shelf) -> dict[str, Side]:
    """Return by name the *sides* with commits of what is in their worktrees now, and exactly what these changed."""

    def commit(side: Side) -> Side | None:
        if side.look is None:
            return side
        try:
            return side._replace(commit=commit_worktree(side.look, shelf))
        except SessionError as error:
            notice(f"Left out: {worktree_looks.describe_failure(side.look.session, error)}")
            return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        current = [side for side in pool.map(commit, sides) if side is not None]
    env = shelf.environment
    forks = find_forks(repository, [(side.commit, side.tip) for side in current if side.tip], env)
    current = [side._replace(fork=forks.get((side.commit, side.tip)) or side.fork) for side in current]
    exact = changes_between(repository, [(side.fork, side.commit) for side in current], env)
    return {side.name: side._replace(changes=exact[side.fork, side.commit]) for side in current}
