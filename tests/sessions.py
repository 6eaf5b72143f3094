"""Sessions of git alone: a worktree and a row each, without ports, windows or programs, in a hundredth of the time."""

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any

from tasks import records, registry, settings
from tasks.model import Repository, Session
from tests.project import CHECKOUT, EMBEDDING, Project


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
    """Make the session *name*, with *files* committed in it, and return its worktree; *facts* are its own."""
    worktree = project.worktree(name)
    base = facts.get("base", "main")
    project.git("worktree", "add", "--quiet", "-b", name, str(worktree), facts.pop("start", base))
    start = project.git("rev-parse", base)
    session = Session(
        name=name, slug=name, repository=Repository(project.main, project.main / ".git"), worktree=worktree,
        branch=name, ports={}, tmux=f"tally-{name}", base="main", start=start, created="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    registry_file = registry.path(session.repository)
    rows = json.loads(registry_file.read_text()) if registry_file.exists() else {}
    rows[name] = records.row(dataclasses.replace(session, **facts))
    registry_file.write_text(json.dumps(rows, indent=2))
    if files:
        commit(project, worktree, files)
    return worktree


def all_of(project: Project) -> list[Session]:
    """Return the sessions of *project* by name, as the tasks do."""
    where = Repository(project.main, project.main / ".git")
    rows = registry.rows(where)
    return [records.session(name, rows[name], where, lambda: settings.load({})) for name in sorted(rows)]
