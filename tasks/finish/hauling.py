"""What a session would adopt from the main checkout: every decision and refusal, before any effect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import git, work
from ..archives import keeping, snapshot
from ..errors import SessionError
from ..model import Repository, Session
from ..narration import notice
from . import covered


@dataclass(frozen=True)
class Haul:
    """What is moved: the main checkout goes from the commit *head* to *to* and loses the uncommitted *work*."""

    head: str
    to: str
    work: str = ""  # a commit, on no branch
    paths: tuple[str, ...] = ()  # what is different in it
    without: tuple[str, ...] = ()  # what is not in it
    log: str = ""  # the work log, if the commits change it


def main_checkout(main: Session, count: int) -> Haul:
    """Return the last *count* commits of *main*, which stands for the main checkout, or its uncommitted work.

    Raises `SessionError` for what cannot be moved without losing something.
    """
    if going_on := keeping.going_on(main.repository.common):
        raise SessionError(
            f"in {main.worktree} a merge, rebase or the like is going on ({going_on[0].name}); finish or abort it"
        )
    return _commits(main, count) if count else _changes(main)


def _changes(main: Session) -> Haul:
    place = main.worktree
    if git.read(place, "ls-files", "--unmerged"):
        raise SessionError(f"{place} has conflicts that are not resolved; resolve them first: git status")
    done = work.of(main, ignored=True)
    without = _staying(main, done)
    content = snapshot.take(main, done.head, without)
    differing = _differing(place, f"{content}^1", content)
    changed = {**_differing(place, f"{content}^1", f"{content}^2"), **differing}
    if not changed:
        raise SessionError(f"{place} has no uncommitted changes to adopt; to move commits: --commits N")
    for path, (_status, modes) in changed.items():
        if "160000" in modes:
            raise SessionError(f"{path} is a repository of its own, or a submodule that moved; move it by hand first")
    _refuse_covered(place, differing)
    return Haul(done.head, done.head, content, tuple(differing), without)


def _staying(main: Session, done: work.Work) -> tuple[str, ...]:
    """Return what stays in the main checkout; what git has from it is readable for everybody."""
    own = {*main.copy, *main.link, *main.env, *([main.work_log["file"]] if main.work_log else [])}
    private = set(keeping.private(main, done.untracked))
    for path in (*done.changed, *done.untracked, *done.own):
        if path in private:
            notice(f"{path} stays, because only you may read it: to move it, mv")
        elif path.rstrip("/") in own:
            notice(f"{path} stays: it is not of one session alone")
    return (*sorted(own), *sorted(private))


def _differing(place: Path, one: str, other: str) -> dict[str, tuple[str, str]]:
    """Return for each path that differs between two commits its status and both modes."""
    fields = git.read(place, "diff-tree", "-r", "--raw", "-z", "--no-renames", one, other).split("\0")
    return {path: (head.rpartition(" ")[2], head[1:14]) for head, path in zip(fields[::2], fields[1::2], strict=False)}


def _refuse_covered(place: Path, differing: dict[str, tuple[str, str]]) -> None:
    """Refuse what git ignores, or does not know any more, and would overwrite when it brings back what was deleted."""
    for path, (status, _modes) in differing.items():
        if status == "D" and covered.occupied(place, path):
            raise SessionError(
                f"{place / path} is there, though deleted for git: going back would overwrite it; move it away first"
            )


def _commits(main: Session, count: int) -> Haul:
    place, repository = main.worktree, main.repository
    branch = next((ref for ref in git.branches(repository).values() if ref.current), None)
    if branch is None:
        raise SessionError(f"{place} is on no branch (a detached HEAD); to go to one: git checkout BRANCH")
    short = branch.name.removeprefix("refs/heads/")
    to = _fork(repository, branch.commit, count, short)
    differing = _differing(place, to, branch.commit)
    back = _differing(place, branch.commit, to)
    _refuse_touched(place, differing)
    _refuse_covered(place, {path: ("D", modes) for path, (status, modes) in back.items() if status == "A"})
    log = main.work_log["file"] if main.work_log else ""
    return Haul(branch.commit, to, log=log if differing.get(log, "D")[0] != "D" else "")


def _fork(repository: Repository, head: str, count: int, short: str) -> str:
    """Return the commit before the last *count* ones, none of which is a merge or pushed."""
    last = "the last commit" if count == 1 else f"the last {count} commits"
    to = git.commit(repository, f"{head}~{count}")
    if not to:
        shallow = ", because this clone is shallow" if (repository.common / "shallow").exists() else ""
        raise SessionError(f"{short} has no commit before {last}{shallow}; expected a smaller --commits")
    if git.beyond(repository, head, to) != count:
        raise SessionError(f"{last} of {short} contain a merge; expected commits in a row: git log --graph")
    own = git.unmerged(repository, [head], [to])
    are = "is" if count - own == 1 else "are"
    if own < count:
        raise SessionError(
            f"{count - own} of {last} of {short} {are} pushed, and taking them back would rewrite what others have;"
            f" expected commits that are only here: {own}"
        )
    return to


def _refuse_touched(place: Path, differing: Iterable[str]) -> None:
    """Refuse uncommitted changes in the same files; git leaves those in others where they are."""
    said = git.read(place, "diff-index", "--name-only", "-z", "--no-renames", "HEAD")
    touched: Sequence[str] = sorted({*said.split("\0")} & {*differing})
    if touched:
        raise SessionError(
            f"{place} has uncommitted changes in {', '.join(touched[:5])}, which these commits change as well;"
            " commit them, or put them aside: git stash"
        )
