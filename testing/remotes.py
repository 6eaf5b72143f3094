"""A project that shares its branch main with others through a real bare repository."""

import subprocess
from pathlib import Path

from testing import port_slot
from testing.project import Project

PORT = 8000 + port_slot.own()
PARALLEL = f"session:\n  preset: parallel\n  ports: {{app_port: {PORT}}}\n"
LIGHT = PARALLEL + "  windows: []\n"


def share(project: Project, *flags: str) -> Path:
    """Give *project* a remote `origin` that has its main; return where that is."""
    origin = project.top / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", *flags, str(origin)], check=True)
    project.git("remote", "add", "origin", str(origin))
    project.git("push", "--quiet", "origin", "main")
    return origin


def others_push(project: Project, count: int, branch: str = "main") -> str:
    """Push *count* commits of somebody else to *branch* of `origin`; return the last one."""
    other = project.top / f"other-{branch}"
    if not other.exists():
        subprocess.run(["git", "clone", "--quiet", str(project.top / "origin.git"), str(other)], check=True)
    for number in range(count):
        project.git("commit", "--quiet", "--allow-empty", "-m", f"theirs {number}", cwd=other)
    project.git("push", "--quiet", "origin", f"HEAD:{branch}", cwd=other)
    return project.git("rev-parse", "HEAD", cwd=other)
