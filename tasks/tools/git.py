"""The repository we are in, and what git is asked about it."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..errors import CommandError, SessionError
from ..model import Repository
from ..system.patterns import late_pattern


def current_repository() -> Repository:
    """Return the repository that we are in."""
    try:
        start = Path.cwd()
    except FileNotFoundError:
        raise SessionError(
            "The current directory was deleted.\nChange to the main checkout, then run the command again."
        ) from None
    main, _, saved = str(start).rpartition("/.git/tally-sessions/removed/")
    if saved.split("/")[2:3] == ["tree"]:  # a shell that stood in the worktree went there with it
        raise SessionError(
            "The session of this directory was removed; this is its saved copy.\n"
            f"Run: cd {shlex.quote(main)}\nThen, to bring it back: inv session.restore"
        )
    return find_repository(start)


_LOCKED = late_pattern(r"could not lock .*: File exists|\.lock': File exists")
# For our own commits: whoever removes a session may have no identity configured.
NOBODY = {
    f"GIT_{role}_{fact}": value
    for role in ("AUTHOR", "COMMITTER")
    for fact, value in (("NAME", "Tally Sessions"), ("EMAIL", "tally-sessions@localhost"))
}


_BARE = late_pattern(r"^\s*bare\s*=\s*true", re.MULTILINE | re.IGNORECASE)
_PATIENCE = 10.0
_HOST = late_pattern(r"^\s*url\s*=\s*(?:[a-z+]+://)?(?:[^@/\s]+@)?([^/:\s]+)[/:]", re.MULTILINE)


class GitStep:
    """A step of git in *place* that was begun, and has to be finished."""

    def __init__(self, place: Path, *arguments: str) -> None:
        from ..system import shell  # not at the top: Tab looks for the repository alone

        self._begin = partial(shell.begin_step, "git", "-C", str(place), *arguments)
        self._step = self._begin()

    def has_ended(self) -> bool:
        """Return whether it has ended, well or not."""
        return self._step.process.poll() is not None

    def finish(self) -> str:
        """Return what it prints; while another git holds a lock, try again for up to ten seconds."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return self._step.finish()
            except CommandError as error:
                if not _LOCKED.search(error.stderr) or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)
            self._step = self._begin()


def run_git(place: Path, *arguments: str) -> str:
    """Run a step of git in *place*; wait up to ten seconds while another git holds a lock."""
    return GitStep(place, *arguments).finish()


def settle_git(place: Path, *arguments: str, given: str | None = None) -> str:
    """Run a step of git in *place*, *given* its stdin; no signal to us interrupts it but a second ^C."""
    from ..system import progress, shell

    with progress.show_busy("git", f"{arguments[0]} in {place}"):
        return shell.run_settled("git", "-C", str(place), *arguments, env=shell.clean_environment(), given=given)


def read_git(place: Path, *arguments: str, check: bool = True, given: str | None = None) -> str:
    """Return what git prints in *place*, *given* its stdin; without *check* also when it fails."""
    from ..system import shell

    return shell.read_output("git", "-C", str(place), *arguments, check=check, given=given)


def read_blob(place: Path, blob: str, path: str = "") -> bytes:
    """Return the bytes of *blob*; with *path*, as a checkout writes them there, if the filters of *place* work."""
    from ..system import shell

    ways = [("--filters", f"--path={path}")] if path else []
    errors = ""
    for how in (*ways, ("blob",)):
        code, content, errors = shell.read_bytes("git", "-C", str(place), "cat-file", *how, blob)
        if not code:
            return content
    raise SessionError(
        f"git cat-file failed for {blob[:10]}, which was expected at {place / path}: {errors.strip()}\n"
        f"Run: git -C {shlex.quote(str(place))} fsck"
    )


def find_repository(start: Path) -> Repository:
    """Return the repository that *start* is inside of, from its main checkout or any worktree.

    Ordinary layouts are read from the file system, without starting git. Raises `SessionError` when there is none.
    """
    for directory in (start, *start.parents):
        if (common := _common(directory / ".git")) is not None:
            if common.name == ".git" and not _BARE.search((common / "config").read_text(errors="replace")):
                return Repository(common.parent, common)
            return _unusual(directory, common)
    if read_git(start, "rev-parse", "--is-bare-repository", check=False).strip() == "true":
        raise _bare_error(start)
    raise SessionError(f"{start} is not inside a git repository. Change to one, or create one: git init")


def _bare_error(place: Path) -> SessionError:
    where = shlex.quote(str(place))
    return SessionError(f"{place} is a bare repository. Sessions need a main checkout.\nRun: git clone {where}")


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


def find_admin_dir(worktree: Path) -> Path | None:
    """Return git's own directory for the linked worktree at *worktree*; None when it is not one."""
    return _gitdir(worktree / ".git")


def read_git_file(file: Path | str) -> str:
    """Return the one line in *file* of git's, whatever its bytes are; empty when it doesn't exist."""
    try:
        with open(file, "rb") as opened:
            return os.fsdecode(opened.read()).strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def recorded_place(entry: Path) -> Path | None:
    """Return where the worktree of git's directory *entry* is or was; None when that says nothing."""
    top = os.fspath(entry)  # words, not paths: with a hundred worktrees that is twice as quick
    recorded = read_git_file(f"{top}/gitdir")  # which may be relative to the entry
    return Path(os.path.dirname(os.path.normpath(os.path.join(top, recorded)))) if recorded else None


def is_at_home(entry: Path, place: Path) -> bool:
    """Return whether *place* itself, and nothing that it is a link to, is where git has the worktree of *entry*.

    An *entry* that was half deleted no longer says where: then it is, as *place* names it.
    """
    from ..system import files

    recorded = recorded_place(entry)
    return not place.is_symlink() and (recorded is None or files.is_same_place(recorded, place))


def own_admin_dir(repository: Repository, place: Path) -> Path | None:
    """Return git's own directory for the worktree at *place*.

    None unless a worktree of *repository* is there, and not that of another place: a link may lead to one.
    """
    from ..system import files

    entry = find_admin_dir(place)
    if entry is None or not files.is_same_place(entry.parent, repository.common / "worktrees"):
        return None
    return entry if entry.is_dir() and is_at_home(entry, place) else None


class Worktree(NamedTuple):
    """A worktree's *path*, and git's own directory for it: None when git has none. Found once, and handed on."""

    path: Path
    admin_dir: Path | None


def find_worktree(path: Path) -> Worktree:
    """Return the worktree at *path*, for which its `.git` is read."""
    return Worktree(path, find_admin_dir(path))


def _gitdir(entry: Path) -> Path | None:
    """Return the directory that a `.git` file names, relative to it or not."""
    try:
        return (entry.parent / entry.read_text().removeprefix("gitdir:").strip()).resolve()
    except (OSError, ValueError):
        return None


def _unusual(directory: Path, common: Path) -> Repository:
    """A submodule, `--separate-git-dir` or worktrees of a bare repository: git knows where the main checkout is."""
    first = read_git(directory, "worktree", "list", "--porcelain").split("\n\n")[0].split("\n")
    if "bare" in first:
        raise _bare_error(common)
    main = Path(first[0].removeprefix("worktree "))
    if main == common:  # git names the directory of its data instead
        configured = read_git(common, "config", "core.worktree", check=False).strip()
        main = Path(os.path.normpath(common / configured)) if configured else directory
    is_linked = main == directory and (_gitdir(main / ".git") or common).parent == common / "worktrees"
    if is_linked or _common(main / ".git") != common or (main / ".git").resolve() == common:
        raise SessionError(
            f"Couldn't find the main checkout of {common} from {directory}.\n"
            "Change to the main checkout, then run the command again."
        )
    return Repository(main, common)


class Ref(NamedTuple):
    """A branch: its full *name*, its *commit*, and where it is checked out, if anywhere."""

    name: str
    commit: str
    checkout: str
    current: bool  # checked out in the main checkout


def list_branches(repository: Repository) -> dict[str, Ref]:
    """Return every local and remote branch by its full name, from one call of git."""
    form = "%(refname)%00%(objectname)%00%(worktreepath)%00%(HEAD)%00"
    try:
        output = read_git(repository.main, "for-each-ref", f"--format={form}", "refs/heads", "refs/remotes")
    except CommandError as error:
        if "unknown field name" not in error.stderr:
            raise
        version = read_git(repository.main, "version").strip()
        raise SessionError(f"{version} is too old. Install git 2.25 or newer.") from None
    rows = (row.split("\0") for row in output.split("\0\n")[:-1])
    main = str(repository.main)  # for which git may name its data instead: --separate-git-dir
    return {
        name: Ref(name, commit, main if head == "*" else checkout, head == "*") for name, commit, checkout, head in rows
    }


def resolve_commit(repository: Repository, revision: str) -> str:
    """Return the full id of the commit that *revision* names; empty when there is no such commit."""
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return read_git(repository.main, *words, check=False).strip()


def count_unmerged(repository: Repository, tips: Iterable[str], into: Iterable[str]) -> int:
    """Return how many commits of *tips* neither *into* nor any remote branch reaches."""
    merged = [revision for revision in into if revision]
    return int(read_git(repository.main, "rev-list", "--count", *tips, "--not", *merged, "--remotes"))


def commits_text(count: int | str) -> str:
    """Return how many commits *count* is, in words."""
    return f"{count} commit{'' if str(count) == '1' else 's'}"


def count_beyond(repository: Repository, tip: str, *others: str) -> int:
    """Return how many commits of *tip* none of *others* reaches."""
    return int(read_git(repository.main, "rev-list", "--count", tip, "--not", *others))


def remote_hosts(repository: Repository) -> list[str]:
    """Return the hosts of the remotes; the configuration is read without starting git: `list` asks this each time."""
    try:
        return _HOST.findall((repository.common / "config").read_text(errors="replace"))
    except OSError:
        return []
