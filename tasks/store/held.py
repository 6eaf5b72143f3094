"""Holding by one ref what git's directory for a removed worktree names, so that no garbage collection deletes it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ..errors import CommandError
from ..model import Repository
from ..system import shell
from ..system.patterns import late_pattern
from ..tools import git

_ID = late_pattern(rb"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40})(?![0-9a-f])")
_LARGEST = 1 << 24  # bytes; git's own notes are smaller
_NOTES = ("rebase-*", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_START", "sequencer")
_LINK = "160000"  # the mode of a submodule, whose commits are in its own repository


def in_progress(admin: Path) -> list[Path]:
    """Return git's notes of a merge, rebase or bisection in its directory *admin* for a worktree."""
    return [entry for pattern in _NOTES for entry in admin.glob(pattern)]


def hold_commits(repository: Repository, places: Iterable[Path], commits: Iterable[str], name: str) -> str:
    """Return a commit that reaches *commits* and all that *places* name: heads, reflogs, notes, the index.

    Those are git's directories for worktrees, and files. It is one of *commits* itself if that is all; empty when
    there is nothing.
    """
    unique, others, blobs = [each for each in dict.fromkeys(commits) if each], set[str](), set[str]()
    for place in places:
        others |= named_objects(place)
        blobs |= staged_blobs(repository, place)
    others -= {*unique, *blobs}
    if len(unique) == 1 and not others and not blobs:
        return unique[0]
    kinds = _kinds(repository, [*unique, *sorted(others | blobs)])
    tags = [each for each, kind in kinds.items() if kind == "tag"]
    kinds |= _kinds(repository, [f"{each}^{{}}" for each in tags]) if tags else {}
    parents = [each for each, kind in kinds.items() if kind == "commit"]
    entries = {each: kind for each, kind in kinds.items() if kind in ("blob", "tree")}
    if not parents and not entries:
        return ""
    named = [(each, kind, each) for each, kind in sorted(entries.items())]
    if tags:
        from . import held_tags

        named += [(blob, "blob", name) for name, blob in held_tags.keep_tags(repository, tags).items()]
    return _commit(repository, named, parents, name)


def _commit(repository: Repository, entries: Iterable[tuple[str, str, str]], parents: Iterable[str], name: str) -> str:
    """Return the commit with *parents* whose tree has the *entries*, each an object, its kind and its name."""
    modes = {"blob": "100644", "tree": "040000"}
    lines = "".join(f"{modes[kind]} {kind} {each}\t{label}\0" for each, kind, label in entries)
    where = ("git", "-C", str(repository.main))
    tree = shell.read_output(*where, "mktree", "-z", given=lines).strip()
    words = [word for parent in parents for word in ("-p", parent)]
    argv = (*where, "commit-tree", tree, *words, "-m", f"Held for the removed session {name}")
    return shell.read_output(*argv, env={**shell.clean_environment(), **git.NOBODY}).strip()


def named_objects(place: Path) -> set[str]:
    """Return every object that *place*, or a file in it, names in full: refs of the worktree alone, reflogs, notes."""
    files = [place]
    for directory, names, entries in os.walk(place):
        if Path(directory) == place and "modules" in names:
            names.remove("modules")  # those of submodules are in repositories of their own
        files += [Path(directory, entry) for entry in entries if not entry.startswith(("index", ".index."))]
    ids: set[bytes] = set()
    for path in files:
        if not path.is_symlink() and path.is_file() and path.stat().st_size < _LARGEST:
            ids |= {*_ID.findall(path.read_bytes())}
    return {each.decode() for each in ids if each.strip(b"0")}


def staged_blobs(repository: Repository, admin: Path, head: str = "") -> set[str]:
    """Return the blobs that only the index in *admin* names: what is staged, and the sides of a conflict.

    Its HEAD is the commit *head* where *admin* is not among git's own directories, so that git would not find it.
    """
    if not (admin / "index").is_file():
        return set()
    try:
        output = _query_index(repository, admin, "diff-index", "--cached", "--raw", "--no-abbrev", "-z", head or "HEAD")
    except CommandError:  # no commit yet, or git's directory for the worktree is damaged
        with suppress(CommandError):  # an unreadable index names nothing
            return _blobs_in(_query_file(repository, admin, "ls-files", "--stage", "-z"))
        return set()
    facts = [fields.split() for fields in output.split("\0")[::2] if fields.startswith(":")]
    blobs = {new for _old, mode, _before, new, _status in facts if mode != _LINK and new.strip("0")}
    if in_progress(admin) or any(status.startswith("U") for *_rest, status in facts):
        for kind in ("--unmerged", "--resolve-undo"):  # the latter is what `git checkout --merge` goes by
            blobs |= _blobs_in(_query_index(repository, admin, "ls-files", kind, "-z"))
    return blobs


def _query_index(repository: Repository, admin: Path, *question: str) -> str:
    if admin.parent == repository.common / "worktrees":
        return shell.read_output("git", "-C", str(repository.main), f"--git-dir={admin}", *question)
    return _query_file(repository, admin, *question)


def _query_file(repository: Repository, admin: Path, *question: str) -> str:
    environment = {**shell.clean_environment(), "GIT_INDEX_FILE": str(admin / "index")}
    return shell.read_output("git", "-C", str(repository.main), *question, env=environment)


def _blobs_in(output: str) -> set[str]:
    facts = [entry.split("\t")[0].split() for entry in output.split("\0") if entry]
    return {blob for mode, blob, _stage in facts if mode != _LINK}


def _kinds(repository: Repository, objects: list[str]) -> dict[str, str]:
    """Return the kind of each of *objects* that exists; a reflog may name deleted ones."""
    names = "".join(f"{each}\n" for each in objects)
    output = shell.read_output("git", "-C", str(repository.main), "cat-file", "--batch-check", given=names)
    lines = (line.split() for line in output.splitlines())
    return {words[0]: words[1] for words in lines if len(words) == 3}
