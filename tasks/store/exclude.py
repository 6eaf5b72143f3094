"""Our own part of `.git/info/exclude`: git takes a link to a directory for a file, and would commit it."""

import re
from contextlib import suppress

from .. import model
from ..model import Repository
from ..system import locks, shape
from ..system.progress import notice
from ..system.rooted import LeadsOutError, Root
from . import registry

_BEGIN, _END = "# tally-sessions: begin (kept by session.add and session.remove)", "# tally-sessions: end"


def refresh_exclude(repository: Repository, without: str = "") -> None:
    """Write into our part the links, env files and copied rules of all sessions but *without*; none: delete it."""
    with locks.file_lock(repository.private / "exclude.lock"):
        rows = {name: row for name, row in registry.read_registry(repository).items() if name != without}
        patterns = {f"/{registry.registry_path(repository).name}"} if rows else set()
        for row in rows.values():
            # A neighbour's row can hold anything.
            listed = [row[key] for key in ("link", "env_files") if shape.fits(row.get(key), shape.TEXTS)]
            patterns |= {_pattern(path) for paths in listed for path in paths}
            patterns |= {_pattern(model.RULES)} if "rules" in row else set()
        git = Root(repository.common)
        with suppress(LeadsOutError):  # `_put` prints a note
            for leftover in git.left_over("info/exclude"):
                git.remove_tree(leftover)
        _put(repository, sorted(patterns))


def _put(repository: Repository, lines: list[str]) -> None:
    git, path = Root(repository.common), "info/exclude"
    try:
        exists = git.lstat(path) is not None
        before = git.read(path).decode("utf-8", "surrogateescape") if exists else ""
    except LeadsOutError as error:
        if lines:
            notice(f"Git may show files of sessions as untracked: {error}")
        return
    head, begun, rest = before.partition(_BEGIN + "\n")
    ours, ended, tail = rest.partition(_END + "\n")
    if not ended:  # somebody deleted our end mark: what follows may be theirs
        tail = ours
    if head and not head.endswith("\n"):
        head += "\n"
    after = head + "".join(f"{line}\n" for line in (_BEGIN, *lines, _END) if lines) + tail
    if begun and not after:  # a repository made without git's template had no such file
        git.delete(path)
        if not git.names("info"):
            git.remove_directory("info")
    elif after != before and (lines or begun):
        git.make_directory("info")
        git.write(path, after.encode("utf-8", "surrogateescape"))


def _pattern(path: str) -> str:
    """Return the line that makes git ignore *path* and nothing else."""
    return "/" + re.sub(r"([\\*?\[ ])", r"\\\1", path)
