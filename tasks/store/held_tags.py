"""Tag objects that only git's directory for a removed worktree names: a commit can hold what they tag, and no tag."""

from __future__ import annotations

from collections.abc import Iterable

from ..model import Repository
from ..system import shell
from ..tools import git

_PREFIX = "tag-"  # of their entries in the tree of the commit that holds them


def keep_tags(repository: Repository, tags: Iterable[str]) -> dict[str, str]:
    """Write each of *tags* that no ref has as a blob, and those which it tags; return the blobs by the entry's name."""
    pending = [*tags]
    refs = git.read_git(repository.main, "for-each-ref", "--format=%(objectname)", "refs/tags") if pending else ""
    blobs, known = dict[str, str](), {*refs.split()}
    while pending:
        if (tag := pending.pop()) in known:
            continue
        known.add(tag)
        if content := _run_git(repository, "cat-file", "tag", tag):
            blobs[_PREFIX + tag] = _run_git(repository, "hash-object", "-w", "--stdin", given=content).decode().strip()
            tagged, kind = (line.split()[-1].decode() for line in content.split(b"\n", 2)[:2])
            pending += [tagged] if kind == "tag" else []
    return blobs


def bring_back_tags(repository: Repository, commit: str) -> None:
    """Make each tag that the tree of *commit* keeps again."""
    for entry in git.read_git(repository.main, "ls-tree", "-z", commit).split("\0"):
        facts, _, name = entry.partition("\t")
        if name.startswith(_PREFIX):
            content = _run_git(repository, "cat-file", "blob", facts.split()[2])
            _run_git(repository, "hash-object", "-t", "tag", "--literally", "-w", "--stdin", given=content)


def _run_git(repository: Repository, *arguments: str, given: bytes = b"") -> bytes:
    return shell.read_bytes("git", "-C", str(repository.main), *arguments, given=given)[1]
