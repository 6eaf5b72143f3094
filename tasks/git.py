"""What git is asked and told; nobody else starts it."""

import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import narration, shell
from .errors import CommandError, SessionError
from .machine import limited
from .model import Repository

_LOCKED = re.compile(r"could not lock config file|\.lock': File exists|Another git process")
# For commits of ours: whoever removes a session may have no identity configured.
NOBODY = {
    f"GIT_{role}_{fact}": value
    for role in ("AUTHOR", "COMMITTER")
    for fact, value in (("NAME", "Tally Sessions"), ("EMAIL", "tally-sessions@localhost"))
}

_BARE = re.compile(r"^\s*bare\s*=\s*true", re.MULTILINE | re.IGNORECASE)
_PATIENCE = 10.0


def run(place: Path, *arguments: str) -> str:
    """Run a step of git in *place*; another git's lock is waited for, for ten seconds."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return shell.run("git", "-C", str(place), *arguments)
        except CommandError as error:
            if not _LOCKED.search(error.stderr) or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def settle(place: Path, *arguments: str, given: str | None = None) -> str:
    """Run a step of git in *place*, *given* its stdin, that no signal to us ends halfway; a second ^C does."""
    with narration.busy("git", f"{arguments[0]} in {place}"):
        return limited.settled("git", "-C", str(place), *arguments, env=shell.environment(), given=given)


def read(place: Path, *arguments: str, check: bool = True) -> str:
    """Return what git answers in *place*."""
    return shell.read("git", "-C", str(place), *arguments, check=check)


def locate(start: Path) -> Repository:
    """Return the repository that *start* is inside of, from its main checkout or any worktree.

    Ordinary layouts are read from the file system, without starting git. Raises `SessionError` when there is none.
    """
    for directory in (start, *start.parents):
        if (common := _common(directory / ".git")) is not None:
            if common.name == ".git" and not _BARE.search((common / "config").read_text(errors="replace")):
                return Repository(common.parent, common)
            return _unusual(directory, common)
    if read(start, "rev-parse", "--is-bare-repository", check=False).strip() == "true":
        raise SessionError(f"{start} is a bare repository; sessions need a main checkout: git clone {start}")
    raise SessionError(f"{start} is not inside a git repository; go into one, or make one: git init")


def _common(entry: Path) -> Path | None:
    if entry.is_dir():
        return entry.resolve() if (entry / "HEAD").is_file() else None
    directory = _gitdir(entry)
    if directory is None:
        return None
    try:
        return (directory / (directory / "commondir").read_text().strip()).resolve()
    except OSError:
        return directory


def data_of(worktree: Path) -> Path | None:
    """Return git's own directory for a linked worktree; None when it is none."""
    return _gitdir(worktree / ".git")


def _gitdir(entry: Path) -> Path | None:
    """Return the directory that a `.git` file names, relative to it or not."""
    try:
        return (entry.parent / entry.read_text().removeprefix("gitdir:").strip()).resolve()
    except (OSError, ValueError):
        return None


def _unusual(directory: Path, common: Path) -> Repository:
    """A submodule, `--separate-git-dir` or worktrees of a bare repository: git knows where the main checkout is."""
    first = read(directory, "worktree", "list", "--porcelain").split("\n\n")[0].split("\n")
    if "bare" in first:
        raise SessionError(f"{common} is a bare repository; sessions need a main checkout: git clone {common}")
    main = Path(first[0].removeprefix("worktree "))
    if main == common:  # git names the directory of its data instead
        configured = read(common, "config", "core.worktree", check=False).strip()
        main = Path(os.path.normpath(common / configured)) if configured else directory
    if _common(main / ".git") != common or (main / ".git").resolve() == common:
        raise SessionError(f"from {directory} the main checkout of {common} cannot be found; go there")
    if main == directory and (_gitdir(main / ".git") or common).parent == common / "worktrees":
        raise SessionError(f"from {directory} the main checkout of {common} cannot be found; go there")
    return Repository(main, common)


@dataclass(frozen=True)
class Ref:
    """A branch: its full *name*, its *commit*, and where it is checked out, if anywhere."""

    name: str
    commit: str
    checkout: str
    current: bool  # checked out in the main checkout


def branches(repository: Repository) -> dict[str, Ref]:
    """Return every local and remote branch by its full name, in one question."""
    form = "%(refname)%00%(objectname)%00%(worktreepath)%00%(HEAD)%00"
    try:
        said = read(repository.main, "for-each-ref", f"--format={form}", "refs/heads", "refs/remotes")
    except CommandError as error:
        if "unknown field name" not in error.stderr:
            raise
        raise SessionError(
            f"{read(repository.main, 'version').strip()} is too old; expected git 2.25 or newer"
        ) from None
    rows = (row.split("\0") for row in said.split("\0\n")[:-1])
    main = str(repository.main)  # of which git may name its data instead: --separate-git-dir
    return {
        name: Ref(name, commit, main if head == "*" else checkout, head == "*") for name, commit, checkout, head in rows
    }


def commit(repository: Repository, revision: str) -> str:
    """Return the full id of the commit that *revision* names; empty when it names none."""
    question = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return read(repository.main, *question, check=False).strip()


def unmerged(repository: Repository, tips: Iterable[str], into: Iterable[str]) -> int:
    """Return how many commits of *tips* neither *into* nor any remote branch reaches."""
    known = [revision for revision in into if revision]
    counted = read(repository.main, "rev-list", "--count", *tips, "--not", *known, "--remotes")
    return int(counted)


def beyond(repository: Repository, tip: str, *known: str) -> int:
    """Return how many commits of *tip* none of *known* reaches."""
    return int(read(repository.main, "rev-list", "--count", tip, "--not", *known))
