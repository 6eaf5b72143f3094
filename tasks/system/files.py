"""Files that are replaced atomically, files that are deleted, and whether two paths are one place."""

from __future__ import annotations

import glob
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..model import Repository
from . import shell
from .patterns import late_pattern

# By lock file: the manager that wrote it, and would write into the node_modules beside it.
LOCK_FILES = {
    "pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lock": "bun", "bun.lockb": "bun",
    "package-lock.json": "npm", "npm-shrinkwrap.json": "npm",
}  # fmt: skip


# In a node_modules, of pnpm and Yarn: without a lock file, too, they install through a link. npm replaces it.
_RECORDS = (".modules.yaml", ".yarn-integrity", ".yarn-state.yml")
PNP = ".pnp.cjs"  # where Yarn's Plug'n'Play says where packages are; there is no node_modules then


def has_pnp(directory: Path) -> bool:
    """Return whether the packages of *directory* are installed by Yarn's Plug'n'Play."""
    return (directory / PNP).is_file()


def is_workspace(directory: Path) -> bool:
    """Return whether the package in *directory* has others inside it, which its node_modules then links to."""
    if (directory / "pnpm-workspace.yaml").is_file():
        return True
    try:
        content = (directory / "package.json").read_bytes()
    except OSError:
        return False
    if b'"workspaces"' not in content:
        return False
    import json

    try:
        return bool(json.loads(content).get("workspaces"))
    except (ValueError, AttributeError):
        return False


def own_packages(main: Path, paths: Iterable[str]) -> list[str]:
    """Return which of *paths* are a node_modules that a package manager keeps in the checkout *main*.

    Whoever installs through a link to it would change everybody's, and a workspace's own packages in it are the
    checkout's that it is in.
    """
    modules = [Path(each) for each in paths if os.path.basename(each) == "node_modules"]
    return [str(each) for each in modules if _is_installed(main / each.parent)]


def _is_installed(directory: Path) -> bool:
    records = (directory / "node_modules" / each for each in _RECORDS)
    known = any(each.is_file() for each in (*(directory / lock for lock in LOCK_FILES), *records))
    return known or is_workspace(directory)


@contextmanager
def replaced_file(path: Path, made_in: Path | None = None) -> Iterator[Path]:
    """Yield a new name beside *path* that takes its place on success and vanishes on failure.

    It is in the directory *made_in* instead where that is on the same file system: so nobody sees it in their own.
    """
    place = made_in if made_in and made_in.stat().st_dev == path.parent.stat().st_dev else path.parent
    from . import temporary

    new = place / temporary.name_for(path.name)
    for each in {path.parent, place}:
        sweep_leftovers(each / path.name)
    try:
        yield new
        os.replace(new, path)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno and error.filename in (None, str(new)):
            error.filename = str(path)  # a full disk names no file, and our temporary one means nothing to anybody
        _delete_unfinished(new)
        raise


def _delete_unfinished(new: Path) -> None:
    if new.is_dir():
        shutil.rmtree(new, ignore_errors=True)
    else:
        new.unlink(missing_ok=True)


def list_grandchildren(directory: Path) -> list[Path]:
    """Return what is in the directories in *directory*; one that another command has just deleted is empty."""
    return [each for child in list_children(directory) for each in list_children(child)]


def list_children(directory: Path) -> list[Path]:
    """Return what is in *directory*; nothing where it can't be read, as when another command has just deleted it."""
    try:
        return [directory / name for name in os.listdir(directory)]
    except OSError:
        return []


def sweep_leftovers(path: Path) -> None:
    """Delete the temporary files that a killed process left beside *path*."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp*"):
        from . import temporary

        if temporary.is_left_over(leftover.name, path.name):
            _delete_unfinished(leftover)


def write_whole(path: Path, text: str, mode: int = 0o644, made_in: Path | None = None) -> None:
    """Replace the content of *path* with *text*; an existing file keeps its mode, owner and symlink.

    *mode* is for a new file, *made_in* as for `replaced_file`. Bytes that were read with `surrogateescape` stay as they
    were.
    """
    path = path.resolve()
    try:
        before = path.stat()
    except FileNotFoundError:
        before = None
    _replace(path, text, before, mode, made_in)


def write_cache(path: Path, text: str) -> None:
    """Replace *path* by a file with *text* that only we can read; a link there is replaced, never followed."""
    _replace(path, text, None, 0o600)


def _replace(path: Path, text: str, before: os.stat_result | None, mode: int, made_in: Path | None = None) -> None:
    with replaced_file(path, made_in) as new:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
            file.flush()
            from . import temporary

            temporary.complete_file(file.fileno(), before, mode)


# Only directories are made writable: files may have hard links in an archive.
_SCRIPT = 'rm -rf -- "$@" && exit; find "$@" -type d ! -perm -700 -exec chmod u+rwx {} \\; ; rm -rf -- "$@"; exit 0'


def delete_now(entries: Iterable[Path]) -> None:
    """Delete *entries*; those of another user may stay."""
    if paths := [str(entry) for entry in entries]:
        shell.run_step("sh", "-c", _SCRIPT, "sh", *paths)


def delete_in_background(entries: Iterable[Path]) -> None:
    """Do the same in the background."""
    paths = [str(entry) for entry in entries]
    shell.run_step("sh", "-c", 'nohup sh -c "$0" sh "$@" >/dev/null 2>&1 &', _SCRIPT, *paths)


_IGNORES_CASE = late_pattern(r"^\s*ignorecase\s*=\s*true", re.MULTILINE | re.IGNORECASE)


def is_same_place(one: Path, other: Path) -> bool:
    """Return whether the paths lead to one place, which need not exist.

    On macOS git writes é as one character where the system lists two.
    """
    if one == other:
        return True
    try:
        return os.path.samefile(one, other)
    except OSError:
        return composed(str(one)) == composed(str(other))


def composed(text: str) -> str:
    """Return *text* with each accented letter as one character."""
    if text.isascii():
        return text
    import unicodedata  # it loads slowly

    return unicodedata.normalize("NFC", text)


def place_key(repository: Repository) -> Callable[[str], str]:
    """Return a function that maps two names to one value exactly if they are one file on the disk of *repository*.

    Git recorded whether case matters there when it created the repository.
    """
    config = (repository.common / "config").read_text(errors="replace")
    return str.casefold if _IGNORES_CASE.search(config) else str
