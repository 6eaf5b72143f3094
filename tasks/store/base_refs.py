"""Refs that keep the commits from which sessions of other machines start, until none does any more."""

from __future__ import annotations

from ..model import Repository
from ..tools import git
from . import archive, registry

_BASES = "refs/tally/base/"
_KEYS = ("base", "start", "merged_as")


def list_unused_bases(repository: Repository) -> list[str]:
    """Return the refs from whose commits no session starts, and no saved copy of one."""
    refs = git.read_git(repository.main, "for-each-ref", "--format=%(refname)", _BASES).split()
    if not refs:
        return []
    rows = [*registry.read_registry(repository).values()]
    rows += [saved.facts.get("row", {}) for saved in archive.list_archives(repository)]
    needed = {row.get(key) for row in rows for key in _KEYS}
    return [ref for ref in refs if ref.removeprefix(_BASES) not in needed]


def drop_unused_bases(repository: Repository) -> None:
    """Delete these; the commits themselves stay as long as git keeps what nothing names."""
    if refs := list_unused_bases(repository):
        git.read_git(repository.main, "update-ref", "--stdin", given="".join(f"delete {ref}\n" for ref in refs))
