"""Putting the sessions into another repository."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from develop.embedding import configuration, front_door, ignoring, layout, package

from .errors import EmbedError

__all__ = ["EmbedError", "embed"]


def embed(target: Path, preset: str = "", patch: bool = False) -> str:
    """Put `tasks/`, `tasks.py`, `invoke.yaml` and ignore entries into the repository at *target*; return what is next.

    Every refusal comes before any change. What a person wrote is never rewritten: with *patch* three lines are added
    to an existing `tasks.py`. Running it again updates `tasks/` when it is as the last run left it.
    """
    top = _top(target)
    if top / "tasks" == package.OURS:
        raise EmbedError(f"{top} is where the sessions come from; expected another repository")
    found = layout.of(top)
    settings = configuration.text(found, preset)
    package.check(top / "tasks")
    door, file = front_door.plan(top / "tasks.py", patch), configuration.file(top)
    following = _next(top, found, configuration.chosen(found, preset), door, file)
    done = [
        package.put(top / "tasks"), front_door.put(door), configuration.put(file, settings), ignoring.put(top, found),
    ]  # fmt: skip
    return "\n".join([*(line for line in done if line), *following])


def _top(target: Path) -> Path:
    if not target.is_dir():
        raise EmbedError(f"{target} is no directory; expected the main checkout of a git repository")
    asked = ["git", "-C", str(target), "rev-parse", "--show-toplevel"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    if said.returncode and "work tree" in said.stderr:
        raise EmbedError(f"{target} has no files of its own; expected the main checkout of a git repository")
    if said.returncode and "not a git repository" not in said.stderr:  # as where it is another user's
        raise EmbedError(said.stderr.strip())
    if said.returncode:
        raise EmbedError(f"{target} is not in a git repository; to make one: git init {shlex.quote(str(target))}")
    return Path(said.stdout.strip())


def _next(top: Path, found: layout.Layout, preset: str, door: front_door.Plan, file: Path) -> list[str]:
    ours = ("tasks", "tasks.py", file.name)
    ignored = ", ".join(ignoring.ignored(top, *ours))
    return [
        "",
        f"Next, in {top}:",
        *(["  the three lines above, at the end of tasks.py"] if door.left else []),
        *([f"  the settings above, in {file.name}"] if configuration.lacking(file) else []),
        *([f"  take out what ignores {ignored}: a session has what is committed"] if ignored else []),
        *(
            [f"  commit {', '.join(found.uncommitted)} too: a session has what is committed"]
            if found.uncommitted
            else []
        ),
        f"  {layout.INSTALL[found.python]}",
        f"  git add {' '.join(ours)} .gitignore && git commit -m 'Embed the sessions'",
        *(["  git push    (sessions begin at what the remote has)"] if preset == "parallel" and found.remote else []),
        f"  inv session.add{'' if preset == 'dev-session' else ' try-it'}",
    ]
