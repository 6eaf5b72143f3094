"""Where packages are missing, one message says which and how to get them, before anything is done."""

import os
import re
import subprocess
import sys
from pathlib import Path

import invoke
import pytest

from tasks.commands import packages
from tasks.commands.command import _CORE
from testing.project import CHECKOUT, Project

_ALL = ["libtmux", "python-dotenv", "tabulate", "psutil"]
_EXTRAS = {"fleet": ["fabric"], "watch": ["textual"]}
# A Python without any package but those in one directory: no site-packages, nothing from the environment.
_INV = """import sys
sys.path.insert(0, sys.argv.pop(1))
from invoke.main import program
program.run(["inv", *sys.argv[1:]])
"""


def bare_inv(project: Project, place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `inv` with no package but those in *place*, and Invoke."""
    place.mkdir(exist_ok=True)
    if not (place / "invoke").exists():
        (place / "invoke").symlink_to(Path(invoke.__file__).parent)
    argv = [sys.executable, "-I", "-S", "-c", _INV, str(place), *arguments]
    return subprocess.run(argv, cwd=project.main, env=dict(os.environ), capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "task", ["list", "add x", "doctor", "remove x --force", "resume", "run x ls", "watch", "prune --days 0"]
)
def test_with_invoke_alone_every_task_says_what_is_missing(project: Project, tmp_path: Path, task: str) -> None:
    before = project.world()

    said = bare_inv(project, tmp_path / "packages", *f"session.{task}".split())

    names = [*_ALL, *(["textual"] if task == "watch" else [])]
    run = f"{sys.executable} -m pip install {' '.join(names)}"
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == f"Missing packages: {', '.join(names)}\nRun: {run}\n"
    assert project.world() == before


def test_what_only_some_tasks_need_is_asked_for_there(project: Project, tmp_path: Path) -> None:
    place = tmp_path / "packages"
    place.mkdir()
    for module in _CORE:
        (place / f"{module}.py").write_text("")

    assert "No sessions." in bare_inv(project, place, "session.list").stdout
    needed = dict.fromkeys(("session.watch", "session.pick"), "textual")
    for task, package in {**needed, **dict.fromkeys(("fleet.list", "fleet.show x"), "fabric")}.items():
        said = bare_inv(project, place, *task.split()).stderr
        assert said == f"Missing packages: {package}\nRun: {sys.executable} -m pip install {package}\n"


@pytest.mark.parametrize(
    ("file", "text", "command"),
    [
        ("uv.lock", "", "uv add --dev a b"),
        ("poetry.lock", "", "poetry add --group dev --python '<4.0' a b"),
        ("pyproject.toml", "[tool.poetry]\n", "poetry add --group dev --python '<4.0' a b"),
        ("pyproject.toml", "[project]\n", f"{sys.executable} -m pip install a b"),
        ("Pipfile", "", "pipenv install --dev a b"),
    ],
)
def test_the_projects_own_manager_installs_them(tmp_path: Path, file: str, text: str, command: str) -> None:
    (tmp_path / file).write_text(text)

    assert packages.install_command(tmp_path, ["a", "b"]) == command


def test_what_is_asked_for_is_what_the_project_says_it_needs() -> None:
    text = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")

    core = text.partition("dependencies = [")[2].partition("]")[0]
    assert re.findall(r'"([\w-]+)>=', core) == ["invoke", *_ALL]
    for extra, names in _EXTRAS.items():
        (listed,) = re.findall(rf"^{extra} = \[(.*)\]$", text, re.M)
        assert re.findall(r'"([\w-]+)>=', listed) == names
