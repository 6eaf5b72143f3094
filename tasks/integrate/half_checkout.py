"""A checkout that git began and did not finish: what it wrote is taken back, and nothing else is touched."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..errors import CommandError
from ..system import signals
from ..tools import git

_NONE, _LINK, _MODULE = "000000", "120000", "160000"
_USAGE = 129  # how git ends that does not know a flag

Stamp = tuple[int, ...] | None  # of a file that is there; None without one


class Entry(NamedTuple):
    """What a commit to come changes at a path: both modes, and the new blob."""

    old_mode: str
    new_mode: str
    blob: str


class Before(NamedTuple):
    """The state before a checkout of the paths that it will change: their files, and the directories above them."""

    place: Path
    entries: dict[str, Entry]
    stamps: dict[str, Stamp]
    directories: frozenset[Path]


def observe_checkout(place: Path, old: str, new: str) -> Before:
    """Return the state of the checkout *place*, at the commit *old*, for the paths that *new* changes."""
    words = ("diff-tree", "-r", "--raw", "-z", "--no-renames", "--no-abbrev", old, new)
    fields = git.read_git(place, *words).split("\0")
    facts = ((path, head[1:].split(" ")) for head, path in zip(fields[::2], fields[1::2], strict=False))
    entries = {path: Entry(each[0], each[1], each[3]) for path, each in facts}
    above = {parent for path in entries for parent in (place / path).parents if parent != place}
    directories = frozenset(each for each in above if each.is_dir() and not each.is_symlink())
    return Before(place, entries, {path: _stamp(place / path) for path in entries}, directories)


def take_back_index(before: Before, old: str) -> None:
    """Make git's index again what the commit *old* has, where it has what was to come: git moves the branch last."""
    index = _index(before.place)
    staged = [path for path, entry in index.items() if path in before.entries and before.entries[path][1:] == entry]
    deletions = [path for path, entry in before.entries.items() if entry.new_mode == _NONE and path not in index]
    if staged or deletions:
        words = ("reset", "--quiet", old, "--pathspec-from-file=-", "--pathspec-file-nul")
        git.settle_git(before.place, "--literal-pathspecs", *words, given="\0".join([*staged, *deletions]))


def _index(place: Path) -> dict[str, tuple[str, str]]:
    """Return the mode and the blob of each path in git's index of *place*."""
    fields = (line.partition("\t") for line in git.read_git(place, "ls-files", "--stage", "-z").split("\0") if line)
    return {path: (facts.split(" ")[0], facts.split(" ")[1]) for facts, _tab, path in fields}


def take_back_checkout(before: Before) -> list[str]:
    """Undo what git wrote since *before*; return the paths that others changed in the meantime, which stay.

    Git's index must still be the old one. Raises `CommandError` when git cannot write the old files again.
    """
    touched = [path for path, stamp in before.stamps.items() if _stamp(before.place / path) != stamp]
    ours = set(_written_by_git(before, touched))
    with signals.signals_held():
        for path in sorted(ours, reverse=True):  # first, so that there is room
            _delete(before, path)
        back = [path for path in sorted(ours) if before.entries[path].old_mode not in (_NONE, _MODULE)]
        free = [path for path in back if not os.path.lexists(before.place / path)]
        _check_out(before.place, free)
    return sorted({*touched} - ours | {*back} - {*free})


def take_back_killed_checkout(place: Path, old: str, new: str) -> None:
    """Undo what git wrote in the checkout *place* on its way from the commit *old*, its HEAD, to *new*."""
    state = observe_checkout(place, old, new)
    take_back_index(state, old)
    # Who was killed cannot say what it has written: whatever has the new content, or a beginning of it, was.
    take_back_checkout(state._replace(stamps=dict.fromkeys(state.stamps, ()), directories=frozenset()))


def _stamp(path: Path) -> Stamp:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_mode, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _written_by_git(before: Before, touched: Iterable[str]) -> Iterator[str]:
    """Yield those of the *touched* paths that have what the new commit has, or a beginning of it, or nothing."""
    rest = []
    for path in touched:
        target, mode = before.place / path, before.entries[path].new_mode
        if _is_beyond_link(before.place, path):
            continue
        if not os.path.lexists(target) or (target.is_dir() and not target.is_symlink()):
            yield path
        elif mode not in (_NONE, _MODULE):
            rest.append(path)
    same = _raw_blobs(before, rest)
    yield from (path for path in rest if path in same or _is_written(before, path))


def _is_beyond_link(place: Path, path: str) -> bool:
    return any((place / parent).is_symlink() for parent in Path(path).parents)


def _raw_blobs(before: Before, paths: Iterable[str]) -> set[str]:
    """Return those of *paths* whose file is the new blob, byte for byte: one question for all."""
    files = [path for path in paths if "\n" not in path and (before.place / path).is_file()]
    files = [path for path in files if not (before.place / path).is_symlink()]
    if not files:
        return set()
    names = "".join(f"{before.place / path}\n" for path in files)
    ids = git.read_git(before.place, "hash-object", "--no-filters", "--stdin-paths", given=names, check=False).split()
    return {path for path, blob in zip(files, ids, strict=False) if before.entries[path].blob == blob}


def _is_written(before: Before, path: str) -> bool:
    """Return whether the file at *path* is the new one as git checks it out; on a full disk only its beginning is."""
    target, entry = before.place / path, before.entries[path]
    status = target.lstat()
    if stat.S_ISLNK(status.st_mode):
        return entry.new_mode == _LINK and os.fsencode(os.readlink(target)) == git.read_blob(before.place, entry.blob)
    if not stat.S_ISREG(status.st_mode) or entry.new_mode == _LINK:
        return False
    return git.read_blob(before.place, entry.blob, path).startswith(target.read_bytes())


def _delete(before: Before, path: str) -> None:
    """Delete the file at *path*, and the directories above it that git made for it."""
    target = before.place / path
    with suppress(OSError):
        if target.is_dir() and not target.is_symlink():
            if target not in before.directories and before.stamps[path] is None:  # of a submodule
                target.rmdir()
        else:
            target.unlink()
    for parent in target.parents:
        if parent == before.place or parent in before.directories:
            break
        try:
            parent.rmdir()
        except OSError:
            break


def _check_out(place: Path, paths: list[str]) -> None:
    """Write the files of git's index at *paths*, where nothing is, again."""
    words, names = ("checkout-index", "-q", "-z", "--stdin"), "\0".join(paths)
    if not paths:
        return
    try:
        git.settle_git(place, *words, "--ignore-skip-worktree-bits", given=names)
    except CommandError as error:
        if error.exit_code != _USAGE:
            raise
        git.settle_git(place, *words, given=names)
