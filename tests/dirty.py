"""Work of every kind in a session's worktree, and the same work read back."""

import subprocess
from pathlib import Path

from tests.project import Project

# A session that is light to start, with one program that must be ended.
LIGHT = "session: {windows: [{name: server, run: sleep 600}]}\n"


def make(project: Project, worktree: Path) -> None:
    """Commit, stage, change and leave untracked; change a `.env` that git ignores."""
    (worktree / "committed").write_text("in a commit\n")
    project.git("add", "committed", cwd=worktree)
    project.git("commit", "--quiet", "-m", "mine", cwd=worktree)
    (worktree / "staged").write_text("staged\n")
    project.git("add", "staged", cwd=worktree)
    (worktree / "staged").write_text("staged, then changed\n")
    (worktree / "backend" / "manage.py").write_text("changed\n")
    (worktree / "untracked file").write_text("nowhere else\n")
    (worktree / "backend" / ".env").write_text("SECRET_KEY=own\n")


def of(worktree: Path) -> dict[str, str]:
    """Return all that a person could have done in *worktree*: commit, index, files that git sees, `.env` files."""

    def git(*arguments: str) -> str:
        argv = ["git", "-C", str(worktree), *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    seen = [path for path in git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0") if path]
    files = {path: (worktree / path) for path in [*seen, "backend/.env", "frontend/.env"]}
    return {
        "HEAD": git("rev-parse", "HEAD"), "branch": git("rev-parse", "--abbrev-ref", "HEAD"),
        "index": git("ls-files", "--stage"), "status": git("status", "--porcelain"),
        **{path: file.read_text(errors="replace") for path, file in files.items() if file.is_file()},
    }  # fmt: skip


def there_and_back(project: Project, *flags: str) -> None:
    """Remove the session x by force, with *flags*, and restore it."""
    project.inv("session.remove", "x", "--force", *flags)
    assert not project.worktree("x").exists()
    project.inv("session.restore", "x")


def archives(project: Project) -> list[Path]:
    """Return the directories of the project's complete archives."""
    return [row.parent for row in (project.main / ".git" / "tally-sessions" / "removed").glob("*/*/row.json")]


def worked(project: Project) -> Project:
    """Return *project* with the session x and work of every kind in it."""
    project.configure(LIGHT)
    project.inv("session.add", "x")
    make(project, project.worktree("x"))
    return project
