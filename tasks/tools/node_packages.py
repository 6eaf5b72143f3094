"""Installed packages of npm, pnpm, Yarn and Bun: whose they are, and copies of them that share their content."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
from pathlib import Path
from typing import NamedTuple

from ..system.files import LOCK_FILES, has_pnp, is_workspace
from ..system.rooted import Root
from . import git

_INSTALL = {
    "npm": ("npm", "ci", "--prefer-offline", "--no-audit", "--no-fund"),
    "pnpm": ("pnpm", "install", "--frozen-lockfile", "--prefer-offline", "--config.confirmModulesPurge=false"),
    "yarn": ("yarn", "install", "--frozen-lockfile", "--prefer-offline"),
    "berry": ("yarn", "install", "--immutable"),
    "bun": ("bun", "install", "--frozen-lockfile"),
}
_STORES = frozenset((".pnpm", ".bun", ".store", ".bin"))  # packages; other names with a dot are state that is rewritten
_CACHES = frozenset((".cache", ".vite", ".vite-temp"))  # of servers: each session makes its own
_TAG = "CACHEDIR.TAG"  # so that no archive and no backup keeps it: bford.info/cachedir
_TAGGED = b"Signature: 8a477f597d28d172789f06886806bc55\n# A session's own node_modules. It can be installed again.\n"
_OTHER_DISK = frozenset((errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP))


class Lock(NamedTuple):
    """The lock *file* that says what is installed, and the *manager* that wrote it."""

    file: str
    manager: str

    @property
    def install(self) -> tuple[str, ...]:
        """The command that installs exactly what it says, from the manager's own cache where that has it."""
        return _INSTALL[self.manager]


def find_lock(directory: Path) -> Lock | None:
    """Return the lock file in *directory*; None without one."""
    for file, manager in LOCK_FILES.items():
        if (directory / file).is_file():
            berry = manager == "yarn" and (directory / ".yarnrc.yml").is_file()
            return Lock(file, "berry" if berry else manager)
    return None


def install_command(directory: Path, main: Path) -> str:
    """Return what installs the packages of *directory*: with its own lock file, or its workspace's above it."""
    places = [directory, *(each for each in directory.parents if each.is_relative_to(main))]
    place = next((each for each in places if find_lock(each)), directory)
    lock = find_lock(place)
    words = lock.install[:2] if lock else ("npm", "install")
    return f"cd {shlex.quote(str(place))} && {shlex.join(words)}"


def _declares_packages(file: Path) -> bool:
    """Return whether the package.json *file* has dependencies, or packages inside; also if nobody can read it."""
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return True
    keys = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "workspaces")
    return not isinstance(content, dict) or any(content.get(key) for key in keys)


def missing_note(main: Path, path: str, name: str) -> str:
    """Return what to say when *path*, which the session *name* should get, is missing in *main*; empty for nothing."""
    place, is_packages = (main / path).parent, os.path.basename(path) == "node_modules"
    if is_packages and (has_pnp(place) or not _declares_packages(place / "package.json")):
        return ""  # Yarn needs none there; without dependencies no manager makes one
    if is_packages and (place / "package.json").is_file():
        install = install_command(place, main)
        return f"{path} is missing in the main checkout, so {name} has none. Install it there.\nRun: {install}"
    return f"{name}: {path} was left out: the main checkout doesn't have it."


def list_own(main: Path, path: str) -> list[str]:
    """Return the node_modules *path* of the checkout *main*, and those of the packages of its workspace."""
    top = Path(path).parent
    if not is_workspace(main / top):
        return [path]
    listed = git.read_git(main, "ls-files", "-z", "--", f":(glob){_glob(top)}**/package.json").split("\0")
    inner = sorted(str(Path(each).parent / "node_modules") for each in listed if each)
    return [path, *(each for each in inner if each != path and _is_real_directory(main / each))]


def _glob(top: Path) -> str:
    return "" if str(top) == "." else f"{top}/"


def _is_real_directory(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink()


def clone_packages(main: Path, path: str, root: Root) -> None:
    """Make *path* in the worktree *root* a directory with what the same path of the checkout *main* has.

    Package files share their content by hard links, as managers themselves have them: they replace files, and write
    into none. What they and others do write into is copied.
    """
    for leftover in root.left_over(path):
        root.remove_tree(leftover)
    with root.beside(path) as new:
        _clone_all(main, path, root.path, root.path / new)


def clone_aside(main: Path, path: str, worktree: Path, root: Root, to: str) -> None:
    """Make the same for *worktree* at *to* in *root*, from where it can be moved on the same disk."""
    _clone_all(main, path, worktree, root.path / to)


def _clone_all(main: Path, path: str, worktree: Path, target: Path) -> None:
    _clone(str(main / path), str(target), _Clone(str(main), str(worktree), linked=True), top=True)
    (target / _TAG).write_bytes(_TAGGED)


class _Clone(NamedTuple):
    main: str
    worktree: str
    linked: bool


def _clone(source: str, target: str, how: _Clone, top: bool = False) -> None:
    os.mkdir(target)
    with os.scandir(source) as entries:
        for entry in entries:
            new, hidden = f"{target}/{entry.name}", entry.name.startswith(".") and entry.name not in _STORES
            if entry.is_symlink():
                os.symlink(_led(os.readlink(entry.path), how), new)
            elif entry.is_dir():
                if not (top and entry.name in _CACHES):
                    _clone(entry.path, new, how._replace(linked=False) if hidden else how)
            elif entry.is_file():
                _clone_file(entry.path, new, how.linked and not hidden and not top)
    status = os.stat(source)
    os.chmod(target, status.st_mode & 0o7777)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))  # npm trusts its record if no directory is newer


def _led(link: str, how: _Clone) -> str:
    """Return where *link* leads in the worktree: into the same, where it names the main checkout by its whole path."""
    return how.worktree + link[len(how.main) :] if link.startswith(how.main + os.sep) else link


def _clone_file(source: str, target: str, linked: bool) -> None:
    if linked:
        try:
            os.link(source, target)
            return
        except OSError as error:
            if error.errno not in _OTHER_DISK:
                raise
    shutil.copy2(source, target)
