"""What a worktree holds right now as a commit, without a trace in the repository, the index or the worktree."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .. import git, shell, work
from ..errors import CommandError
from ..model import Repository, Session
from ..narration import notice

_TOO_BIG = 100_000_000  # bytes of one untracked file: reading it would take longer than the answer is worth
_QUIETLY = (
    "core.hooksPath=/dev/null", "core.splitIndex=false", "core.fsmonitor=false", "core.safecrlf=false",
    "advice.addEmbeddedRepo=false",
)  # fmt: skip


@dataclass(frozen=True)
class Shelf:
    """A *directory* that new objects of git go into, which sees all of the repository's own."""

    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which git reads both and writes there."""
        return {**shell.environment(), **git.NOBODY, "GIT_OBJECT_DIRECTORY": str(self.directory / "objects")}


@contextmanager
def shelf(repository: Repository) -> Iterator[Shelf]:
    """Yield a shelf that is gone afterwards, with all that was put on it."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="tally-") as scratch:
        info = Path(scratch, "objects", "info")
        info.mkdir(parents=True)
        quoted = str(repository.common / "objects").replace("\\", "\\\\").replace('"', '\\"')
        (info / "alternates").write_text(f'"{quoted}"\n', encoding="utf-8", errors="surrogateescape")
        yield Shelf(Path(scratch))


def commit(session: Session, done: work.Work, shelf: Shelf) -> str:
    """Return a commit of what is in the worktree of *session*: its HEAD, or one on *shelf* that follows it.

    Left out are what `add` put there, repositories within, and what is too big to be read. Raises `SessionError`
    when git cannot read the work.
    """
    if not done.dirty:
        return done.head
    data = git.data_of(session.worktree) or session.worktree / ".git"
    index = shelf.directory / f"index-{session.slug}"
    if (data / "index").exists():
        shutil.copy2(data / "index", index)  # with its time, by which git knows which files it need not read
    environment = {**shelf.environment, "GIT_INDEX_FILE": str(index)}

    def tell(*arguments: str) -> str:
        quietly = (word for setting in _QUIETLY for word in ("-c", setting))
        return shell.read("git", "-C", str(session.worktree), *quietly, *arguments, env=environment).strip()

    without = (f":(exclude,literal,top){path.rstrip('/')}" for path in _left_out(session, done))
    try:
        tell("add", "--all", "--sparse", "--ignore-errors", "--", ":/", *without)
    except CommandError as error:
        if error.exit_code != 1:
            raise
        # git also fails on what it ignores and is excluded here: that is no work, and nothing is missing.
        if unread := [line for line in error.stderr.splitlines() if line.startswith("error: ")]:
            notice(f"{session.name}: not all of its work can be read: {unread[0]}")
    parents = [*([done.head] if done.head else []), *_merging(data)]
    message = ("-m", f"What is in {session.name}")
    return tell("commit-tree", tell("write-tree"), *(word for each in parents for word in ("-p", each)), *message)


def _left_out(session: Session, done: work.Work) -> list[str]:
    found = [*session.copy, *session.link, *session.env, *done.own]
    for path in work.untracked_files(session, done):
        if path.endswith("/"):  # a repository of its own
            found.append(path)
        elif (size := _size(session.worktree / path)) > _TOO_BIG:
            notice(f"{session.name}: {path} is left out, it is untracked and has {size / 1e6:.0f} MB")
            found.append(path)
    return found


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # deleted just now
        return 0


def _merging(data: Path) -> list[str]:
    """Return the commits that are being merged: what was taken over from them is no work of the session."""
    try:
        return (data / "MERGE_HEAD").read_text().split()
    except FileNotFoundError:
        return []
