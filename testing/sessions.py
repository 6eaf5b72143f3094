"""Sessions with only a worktree and a row: no ports, windows or programs, so they take a hundredth of the time."""

import json
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

from tasks.config import settings
from tasks.model import Repository, Session
from tasks.plan import contents
from tasks.store import registry, seals
from tasks.store import rows as store_rows
from testing.project import CHECKOUT, EMBEDDING, Project


def repository(main: Path, files: dict[str, str]) -> Project:
    """Return a repository with *files* in its one commit, and the tasks."""
    project = Project(main)
    main.mkdir(parents=True)
    write(main, {**files, "tasks.py": EMBEDDING, ".gitignore": "/tasks\n*.ignored\n__pycache__/\n"})
    (main / "tasks").symlink_to(CHECKOUT / "tasks")
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(main)], check=True)
    commit(project, main)
    return project


def write(place: Path, files: dict[str, str]) -> None:
    """Write *files*, path and content, below *place*."""
    for path, text in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)


def commit(project: Project, place: Path, files: dict[str, str] | None = None) -> str:
    """Commit everything in *place*, with *files* changed first; return the commit."""
    write(place, files or {})
    project.git("add", "--all", cwd=place)
    project.git("commit", "--quiet", "--allow-empty", "-m", "change", cwd=place)
    return project.git("rev-parse", "HEAD", cwd=place)


def add(project: Project, name: str, files: dict[str, str] | None = None, **facts: Any) -> Path:
    """Create the session *name* with *files* committed, and return its worktree. *facts* go into its row."""
    worktree = project.worktree(name)
    base = facts.get("base", "main")
    project.git("worktree", "add", "--quiet", "-b", name, str(worktree), facts.pop("start", base))
    start = project.git("rev-parse", base)
    session = Session(
        name=name, slug=name, repository=Repository(project.main, project.main / ".git"), worktree=worktree,
        branch=name, ports={}, tmux=f"tally-{name}", base="main", start=start, created="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    registry_file = registry.registry_path(session.repository)
    rows = json.loads(registry_file.read_text()) if registry_file.exists() else {}
    rows[name] = seals.seal_row(name, store_rows.session_row(session._replace(**facts)))
    registry_file.write_text(json.dumps(rows, indent=2))
    if files:
        commit(project, worktree, files)
    return worktree


def all_of(project: Project) -> list[Session]:
    """Return the sessions of *project* by name, as the tasks do."""
    where = Repository(project.main, project.main / ".git")
    rows = registry.read_registry(where)
    return [
        store_rows.session_from_row(
            name, rows[name], where, partial(contents.complete_row, settings.parse_settings({}))
        )
        for name in sorted(rows)
    ]
