"""Our own part of `.git/info/exclude`: a link to a directory is no directory to git, and would be committed."""

import re

from . import forms, parts, registry
from .machine import atomic, locks
from .model import Repository

_BEGIN, _END = "# tally-sessions: begin (kept by session.add and session.remove)", "# tally-sessions: end"


def refresh(repository: Repository, without: str = "") -> None:
    """Make our part name links, env files and copied rules of all sessions but *without*; it goes with the last one."""
    with locks.held(repository.private / "exclude.lock"):
        rows = {name: row for name, row in registry.rows(repository).items() if name != without}
        wanted = {f"/{registry.path(repository).name}"} if rows else set()
        for row in rows.values():
            # A neighbour's row can hold anything.
            listed = [row[key] for key in ("link", "env_files") if forms.texts(row.get(key))]
            wanted |= {_pattern(path) for paths in listed for path in paths}
            wanted |= {_pattern(parts.RULES)} if "rules" in row else set()
        atomic.sweep(repository.common / "info" / "exclude")
        _put(repository, sorted(wanted))


def _put(repository: Repository, lines: list[str]) -> None:
    file = repository.common / "info" / "exclude"
    before = file.read_text(encoding="utf-8", errors="surrogateescape") if file.exists() else ""
    head, begun, rest = before.partition(_BEGIN + "\n")
    ours, ended, tail = rest.partition(_END + "\n")
    if not ended:  # somebody took our end mark out: what follows may be theirs
        tail = ours
    if head and not head.endswith("\n"):
        head += "\n"
    after = head + "".join(f"{line}\n" for line in (_BEGIN, *lines, _END) if lines) + tail
    if begun and not after:  # a repository made without git's template had no such file
        file.unlink()
        if not any(file.parent.iterdir()):
            file.parent.rmdir()
    elif after != before and (lines or begun):
        file.parent.mkdir(exist_ok=True)
        atomic.write(file, after)


def _pattern(path: str) -> str:
    """Return the line that makes git ignore *path* and nothing else."""
    return "/" + re.sub(r"([\\*?\[ ])", r"\\\1", path)
