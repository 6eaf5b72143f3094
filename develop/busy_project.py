"""A project with sessions in every state, in a HOME of its own, for pictures, measurements and trying things out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from testing import stand_ins
from testing.project import Project, make

INV = str(Path(sys.executable).with_name("inv"))
# name, prompt, component: the stand-in of Claude stays busy after `work`, asks after `ask`, fails after `fail`.
SESSIONS = (
    ("bugfix-ui", "ask npm install d3", "web"),
    ("feature-auth", "work on the login page", "server"),
    ("feature-search", "add a search field", "web"),
    ("import-csv", "fail to import", "server"),
    ("export-pdf", "write the export", "server"),
    ("docs", "", ""),
    ("spike-maps", "work on the map", "web"),
    ("upgrade-django", "", "server"),
)


@contextmanager
def busy_project(say: Callable[[str], None]) -> Iterator[Project]:
    """Yield a project with `SESSIONS`, in an environment of its own that ends with it."""
    top = Path(tempfile.mkdtemp(prefix="busy-")).resolve()
    before = dict(os.environ)
    try:
        os.environ.update(_environment(top))
        for name in ("TMUX", "TMUX_PANE", "NO_COLOR"):
            os.environ.pop(name, None)
        yield _fill(make(top / "dev" / "tally"), say)
    finally:
        for argv in ([INV, "session.stop", "--all"], ["tmux", "kill-server"]):
            place = top / "dev" / "tally"
            subprocess.run(argv, cwd=place if place.is_dir() else top, capture_output=True, check=False)
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(top, ignore_errors=True)


def _environment(top: Path) -> dict[str, str]:
    home, path = top / "home", os.pathsep.join([str(top / "bin"), str(Path(INV).parent), os.environ["PATH"]])
    stand_ins.install(top / "bin")
    for directory in (home, top / "tmux"):
        directory.mkdir(mode=0o700)
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.invalid\n[gc]\n\tauto = 0\n")
    (home / ".claude.json").write_text("{}")  # of somebody who has used Claude Code before
    (home / ".bashrc").write_text(f"PS1='$ '\nPATH='{path}'\n")
    (home / ".bash_profile").write_text(". ~/.bashrc\n")
    return {
        "HOME": str(home), "TMUX_TMPDIR": str(top / "tmux"), "XDG_STATE_HOME": str(top / "state"), "PATH": path,
        "SHELL": "/bin/bash", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
    }  # fmt: skip


def _fill(project: Project, say: Callable[[str], None]) -> Project:
    text = (project.main / "invoke.yaml").read_text().removesuffix("}}")
    project.configure(f'{text}, "components": {{"server": ["backend"], "web": ["frontend"]}}}}}}')
    for name, prompt, component in SESSIONS:
        say(f"Adding {name}")
        words = [f"--prompt={prompt}"] if prompt else []
        _inv(project, "session.add", name, *words, *([f"--component={component}"] if component else []))
    _work(project)
    _inv(project, "session.stop", "upgrade-django")
    return project


def _work(project: Project) -> None:
    """Leave commits, changes, new files, and a conflict of two sessions."""
    for name, title in (("feature-search", "search"), ("bugfix-ui", "button")):
        _write(
            project, name, "frontend/package.json", f'{{"name": "{title}", "scripts": {{"dev": "python server.py"}}}}\n'
        )
    _commit(project, "feature-search", "Add a search field")
    _write(project, "feature-auth", "backend/login.py", "def login(user):\n    return bool(user)\n")
    _commit(project, "feature-auth", "Check the password")
    _write(project, "feature-auth", "backend/session.py", "TIMEOUT = 3600\n")
    _write(project, "feature-auth", "backend/login.py", "def login(user, password):\n    return False\n")
    for number in range(3):
        _write(project, "export-pdf", f"backend/export{number}.py", f"PAGE = {number}\n")
        _commit(project, "export-pdf", f"Write page {number + 1} of the export")
    _write(project, "docs", "README.md", "# Tally\n")


def _write(project: Project, name: str, file: str, text: str) -> None:
    (project.worktree(name) / file).write_text(text, encoding="utf-8")


def _commit(project: Project, name: str, subject: str) -> None:
    project.git("add", "--all", cwd=project.worktree(name))
    project.git("commit", "--quiet", "-m", subject, cwd=project.worktree(name))


def _inv(project: Project, *words: str) -> None:
    argv = [INV, *words]
    done = subprocess.run(argv, cwd=project.main, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise OSError(f"inv {' '.join(words)} failed.\n{done.stderr.strip()}")
