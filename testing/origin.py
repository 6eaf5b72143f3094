"""A session with commits, and a real bare `origin` that others push to."""

import subprocess
from pathlib import Path

from testing.project import Project


def share(project: Project) -> Path:
    """Create a bare `origin` with main, which tracks it; return its path."""
    origin = project.top / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(origin)], check=True)
    project.git("remote", "add", "origin", str(origin))
    project.git("push", "--quiet", "--set-upstream", "origin", "main")
    return origin


def commit(project: Project, tree: Path, name: str, text: str, message: str = "") -> str:
    """Commit *text* as the file *name* in the checkout *tree*; return the commit."""
    (tree / name).write_text(text)
    project.git("add", "--", name, cwd=tree)
    project.git("commit", "--quiet", "-m", message or f"{name} in {tree.name}", cwd=tree)
    return project.git("rev-parse", "HEAD", cwd=tree)


def others_push(project: Project, name: str, text: str, branch: str = "main") -> str:
    """Push a commit of somebody else to *branch* of `origin`; return it."""
    other = project.top / "other"
    if not other.exists():
        subprocess.run(["git", "clone", "--quiet", str(project.top / "origin.git"), str(other)], check=True)
    project.git("fetch", "--quiet", cwd=other)
    project.git("checkout", "--quiet", "-B", branch, f"origin/{branch}", cwd=other)
    made = commit(project, other, name, text)
    project.git("push", "--quiet", "origin", branch, cwd=other)
    return made
