"""The installed package: its wheel, in fresh projects of each package manager, with a session in each."""

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from develop import embedding
from develop.embedding import dependencies, files
from tasks.system.version import VERSION
from testing import missing
from testing.project import CHECKOUT

_CONFIGURATION = "session: {windows: [{name: shell}], ports: {}, copy: [], link: [], env: {}}\n"
_PROJECT = '[project]\nname = "fresh"\nversion = "1"\nrequires-python = ">=3.10"\n'
_FILES = {
    "uv": {"pyproject.toml": _PROJECT, "uv.lock": ""},
    "poetry": {"pyproject.toml": f"{_PROJECT}[tool.poetry]\npackage-mode = false\n"},
    "pipenv": {"Pipfile": "[packages]\n"},
    "pip": {"requirements.txt": ""},
}


def _project(sandbox: Path, manager: str) -> Path:
    top = sandbox / "dev" / "fresh"
    top.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(top)], check=True)
    for name, text in {**_FILES[manager], ".gitignore": ".venv/\n", "invoke.yaml": _CONFIGURATION}.items():
        (top / name).write_text(text)
    if manager == "uv":
        (top / "uv.lock").unlink()
        _shell(top, "uv lock --quiet")
    _shell(top, "git add --all && git commit --quiet -m fresh")
    return top


def _shell(top: Path, command: str, code: int = 0) -> str:
    programs = f"{top / '.venv' / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    own = {**os.environ, "PATH": programs, "PIPENV_VERBOSITY": "-1", "PIPENV_YES": "1", "PIPENV_VENV_IN_PROJECT": "1",
           "POETRY_VIRTUALENVS_IN_PROJECT": "true", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}  # fmt: skip
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        own[name] = "a@b"
    said = subprocess.run(command, shell=True, cwd=top, env=own, capture_output=True, text=True, check=False)
    if (
        said.returncode
        and command.startswith("poetry add")
        and re.search(r"^Package .* not found\.$", said.stderr, re.M)
    ):
        pytest.skip("this package index does not answer Poetry, which asks for more than pip")
    assert said.returncode == code, f"{command}\n{said.stdout[-2000:]}\n{said.stderr[-2000:]}"
    return said.stdout + said.stderr


def _steps(said: str) -> list[str]:
    return [line.strip() for line in said.partition("\nNext, in ")[2].splitlines()[1:] if "optional" not in line]


def test_each_package_of_ours_is_in_the_wheel_and_none_is_called_tasks() -> None:
    text = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^packages = \[(.*?)\]", text, re.M | re.S)

    own = {file.parent.relative_to(CHECKOUT / "tasks") for file in (CHECKOUT / "tasks").rglob("__init__.py")}

    assert set(re.findall(r'"(.+?)"', listed)) == {".".join(("tally_sessions", *place.parts)) for place in own}


def test_the_package_and_the_copy_take_each_others_place(sandbox: Path) -> None:
    top = _project(sandbox, "pip")
    embedding.embed(top)
    _shell(top, "git add --all && git commit --quiet -m copy")

    said = embedding.embed(top, package="tally-sessions==9")

    assert "Removed tasks/" in said
    assert (top / "tasks.py").read_text() == files.package_door("pip install -r requirements.txt").new
    assert not (top / "tasks").exists()
    assert "'tally-sessions==9' >> requirements.txt" in said
    assert "$schema=docs/sessions.schema.json" not in (top / "invoke.yaml").read_text()  # theirs
    (add,) = [step for step in _steps(said) if step.startswith("git add")]
    (top / "requirements.txt").write_text("tally-sessions==9\n")
    _shell(top, add)
    assert _shell(top, "git status --porcelain") == ""
    assert embedding.embed(top, package="tally-sessions==9").endswith("Nothing remains to be done.")
    hidden = missing.hide_package(sandbox / "hidden")
    assert "tally-sessions is not installed here. Run: pip install" in _shell(
        top, f"PYTHONPATH={hidden} inv --list", code=1
    )
    assert _shell(top, f"{sys.executable} -S -c 'import tasks'") == ""  # as test runners do


def test_the_pin_is_read_from_what_each_manager_writes(tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    written = {
        "tally-sessions==0.1.0": ("0.1.0", ""), "./wheels/tally_sessions-0.1.0+gabc1234567-py3-none-any.whl":
        ("0.1.0", "abc1234567"), f"tally-sessions @ git+https://x/y@{commit}": ("", commit),
    }  # fmt: skip
    for line, pin in written.items():
        (tmp_path / "requirements.txt").write_text(f"invoke\n{line}\n")
        assert dependencies.find_pin(tmp_path, "pip") == pin
        assert dependencies.has_pin(tmp_path, "pip", line)
        assert not dependencies.has_pin(tmp_path, "pip", line.replace("0.1.0", "0.2.0").replace("0123", "4567"))


@pytest.mark.parametrize(("name", "text", "command"), [
    ("pyproject.toml", '[project]\nname = "x"\n[build-system]\nbuild-backend = "poetry.core"\n', "poetry add"),
    ("pyproject.toml", '[project]\nname = "x"\n[tool.uv]\ndev-dependencies = []\n', "uv add"),
    ("pyproject.toml", '[project]\nname = "x"\n', "printf"),
    ("Pipfile", "[packages]\n", "pipenv install"),
])  # fmt: skip
def test_a_new_project_without_a_lock_file_is_its_managers(sandbox: Path, name: str, text: str, command: str) -> None:
    subprocess.run(["git", "init", "--quiet", str(sandbox)], check=True)
    (sandbox / name).write_text(text)

    assert _steps(embedding.embed(sandbox))[0].startswith(command)


@pytest.mark.slow
@pytest.mark.parametrize("manager", _FILES)
@pytest.mark.parametrize("package", [None, ""], ids=["copy", "package"])
def test_the_printed_steps_lead_to_a_session(sandbox: Path, manager: str, package: str | None) -> None:
    if manager != "pip":
        missing.require(manager)
    top = _project(sandbox, manager)
    if manager == "poetry":  # the steps for pip make it
        venv.create(top / ".venv", with_pip=True)

    steps = _steps(embedding.embed(top, package=package))

    for step in steps[:-1]:
        _shell(top, step)
    assert _shell(top, "git status --porcelain") == ""  # the commit has everything, lock files too
    assert "fresh-try-it" in _shell(top, steps[-1])
    assert f"Tally Sessions {VERSION}" in _shell(top, ".venv/bin/inv session.config")
    assert "try-it" in _shell(top.parent / "fresh-try-it", f"{top}/.venv/bin/inv session.list")
    installed = _shell(top, ".venv/bin/python -c 'import importlib.metadata as m; print(m.version(\"invoke\"));"
                            " print([each.name for each in m.distributions()])'")  # fmt: skip
    assert installed.startswith("3.")
    assert "fabric" not in installed
    asked = _shell(top, ".venv/bin/inv fleet.list", code=1)
    assert asked.startswith("Missing packages: fabric\nRun: ")
    if manager in dependencies.MANAGERS:
        assert f"Run: {dependencies.MANAGERS[manager].add} fabric" in asked
    _shell(top, ".venv/bin/inv session.remove try-it")
    assert embedding.embed(top, package=package).endswith("Nothing remains to be done.")
