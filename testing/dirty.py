"""Work of every kind in a session's worktree, and a snapshot to compare it with later."""

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path

from tasks.store import archive, registry, snapshot
from tasks.system import copies
from tasks.system.rooted import LeadsOutError, Root
from tasks.tools import worktree_status
from testing import sessions
from testing.project import Project

# A session that starts quickly, with one program that a removal has to end.
LIGHT = "session: {windows: [{name: server, run: sleep 36000}]}\n"


def make(project: Project, worktree: Path) -> None:
    """Leave a commit, a staged, an unstaged and an untracked change, and one in an ignored `.env`."""
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
    """Return a snapshot of *worktree*: its commit, index, files that git sees, and `.env` files."""

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


def old_archive(project: Project) -> Path:
    """Remove the session x as earlier versions did, and return its archive of selected files."""
    (session,) = (each for each in sessions.all_of(project) if each.name == "x")
    work = worktree_status.read_work(session, ignored=True)
    commit = snapshot.take_snapshot(session, work.head, work.own)
    directory = archive.archives_directory(session.repository) / "x" / "20260101T000000.000000"
    directory.mkdir(parents=True, mode=0o700)
    raw, tree = [], Root(session.worktree, follows=False)
    for path in (*work.changed, *work.untracked):
        with suppress(LeadsOutError):  # files behind a link do not belong to the session
            if tree.lstat(path):
                Root(directory).make_directory(os.path.dirname(f"raw/{path}"))
                copies.copy_tree(tree, path, Root(directory), f"raw/{path}")
                raw.append(path)
    facts = {
        "name": "x", "row": registry.read_registry(session.repository)["x"], "tip": project.git("rev-parse", "x"),
        "head": work.head, "head_branch": work.branch, "work": commit, "raw": raw,
        "hidden": {}, "same": [], "files": [],
    }  # fmt: skip
    (directory / "row.json").write_text(json.dumps(facts))
    project.git("update-ref", archive.Archive(directory, facts).reference, commit)
    project.inv("session.remove", "x", "--force")
    whole = next(each for each in archive.list_archives(session.repository) if each.is_whole)
    archive.drop_archive(session.repository, whole)
    return directory


def worked(project: Project) -> Project:
    """Return *project* with the session x and work of every kind in it."""
    project.configure(LIGHT)
    project.inv("session.add", "x")
    make(project, project.worktree("x"))
    return project
