"""A shell that stood in a worktree that was removed: what it runs there says what happened."""

import os
import shutil
import subprocess
from pathlib import Path

from testing.project import INV, Project, eventually

TASKS = Path(__file__).parents[2] / "tasks"


def test_inv_in_the_directory_of_a_removed_session_says_so(project: Project) -> None:
    project.configure("session: {windows: [], ports: {}, copy: [], link: [], env: {}}\n")
    if (project.main / "tasks").is_symlink():
        (project.main / "tasks").unlink()
    shutil.copytree(TASKS, project.main / "tasks", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (project.main / "large").write_bytes(os.urandom(2 << 20))
    project.git("add", "--force", "tasks", "large")
    project.git("commit", "--quiet", "-m", "embed")
    project.inv("session.add", "x")
    tree = project.worktree("x")
    shell = subprocess.Popen(
        ["sh"], cwd=tree, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "TALLY_SESSIONS_OWN_CODE": ""},
    )  # fmt: skip
    project.inv("session.remove", "x")
    (saved,) = (project.main / ".git" / "tally-sessions" / "removed" / "x").iterdir()
    eventually(lambda: (saved / "size").exists())
    assert (saved / "thinned").exists(), "files of git's were deleted there"

    out, _ = shell.communicate(f"{INV} session.list; {INV} --list; cd ..\n", timeout=120)

    assert "Traceback" not in out, out
    assert "session.add" in out, "the tasks are whole"
    assert f"this is its saved copy.\nRun: cd {project.main}\n" in out
