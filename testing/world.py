"""A snapshot of a project's surroundings, to compare before and after."""

import hashlib
import os
import stat
import subprocess
from pathlib import Path

from testing import marked

# Internal files of Claude Code, git and ours that say nothing about a session.
_IGNORED = (
    "/.git/logs",
    "/.git/index",
    "/.git/objects",
    "/.git/refs/tally",
    "/.git/tally-sessions",
    "/tasks",
    "__pycache__",
    "/node_modules/.vite-temp",
    "/state",
    "/tmux",
)


def _entry(path: Path) -> str:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return f"link {path.readlink()}"
    if stat.S_ISREG(status.st_mode):
        return f"{stat.S_IMODE(status.st_mode):o} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    return "directory"


def files(top: Path) -> dict[str, str]:
    """Return mode and content, or link target, of every file below *top*, by path."""
    found = {}
    for directory, names, entries in os.walk(top):
        for name in (*names, *entries):
            path = Path(directory) / name
            relative = f"/{path.relative_to(top)}"
            if not any(part in relative for part in _IGNORED) and (name != ".git" or path.is_dir()):
                found[relative] = _entry(path)
    return found


def tmux() -> list[str]:
    """Return the windows of every tmux session on the test's server."""
    form = "#{session_name} #{window_name} #{pane_id}"
    said = subprocess.run(["tmux", "list-panes", "-a", "-F", form], capture_output=True, text=True, check=False)
    return sorted(said.stdout.splitlines())


def processes() -> set[str]:
    """Return the sessions whose processes run in this sandbox."""
    home = Path(os.environ["HOME"])
    return {
        environment["TALLY_SESSION"]
        for _process, environment in marked.marked_processes(home)
        if "TALLY_SESSION" in environment
    }


def _content(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def of(top: Path, main: Path) -> dict[str, object]:
    """Return the snapshot: files below *top*, branches and worktrees of *main*, tmux sessions, processes, lists."""

    def git(*arguments: str) -> list[str]:
        run = subprocess.run(["git", "-C", str(main), *arguments], capture_output=True, text=True, check=True)
        return run.stdout.splitlines()

    return {
        "files": files(top),
        "refs": git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/remotes", "refs/tags"),
        "worktrees": git("worktree", "list", "--porcelain"),
        "tmux": tmux(),
        "processes": processes(),
        "claude": _content(Path("~/.claude.json").expanduser()),
        "registries": _content(Path(os.environ["XDG_STATE_HOME"]) / "tally-sessions" / "registries.json"),
    }
