"""A session's tests run its own code, whatever was installed into the environment that it shares."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from testing import missing
from testing.project import Project, eventually

_SAYS = "import sys\n\ndef main():\n    print(__file__)\n    sys.exit(MISTAKE)\n\nMISTAKE = 0\n"
_CONFIGURED = (
    "session: {copy: [], link: [], env: {}, ports: {}, setup: ['acme > setup.txt'], verify: ['acme > verify.txt'],"
    " windows: [{name: check, run: 'acme > window.txt; sleep 1000'}, {name: shell}]}\n"
)
_PROJECT = (
    "[build-system]\nrequires = ['{backend}']\nbuild-backend = '{module}'\n[project]\nname = 'acme'\nversion = '1'\n"
    "requires-python = '>=3.9'\n[project.scripts]\nacme = 'acme:main'\n"
)
_SETUPTOOLS = ("setuptools>=64", "setuptools.build_meta")
_POETRY = ("poetry-core", "poetry.core.masonry.api")
_FLAT = "[tool.setuptools]\npackages = ['acme']\n"  # which setuptools answers with a finder, not with a path
_EXACT = "[tool.hatch.build]\ndev-mode-exact = true\n"  # which hatch answers with a module of the library `editables`
_PIP = [("python3", "-m", "venv", ".venv"), (".venv/bin/pip", "install", "-q", "-e", ".")]
# Without a pip of its own, which takes as long to install as all the rest: this Python's installs into it.
_PIP_FROM_OUTSIDE = [
    ("python3", "-m", "venv", "--without-pip", ".venv"),
    ("python3", "-m", "pip", "--python", ".venv/bin/python", "install", "-q", "-e", "."),
]
_UV = [("uv", "sync", "-q")]
_POETRY_INSTALL = [("poetry", "install", "-q")]
_PIPENV = [("pipenv", "install", "-q", "-e", ".")]
_MANAGERS: dict[str, tuple[str, tuple[str, str], str, Sequence[Sequence[str]]]] = {
    "pip": ("src", _SETUPTOOLS, "", _PIP_FROM_OUTSIDE), "pip flat": (".", _SETUPTOOLS, _FLAT, _PIP),
    "hatch": ("src", ("hatchling", "hatchling.build"), _EXACT, _PIP),
    "uv": ("src", ("uv_build", "uv_build"), "", _UV), "poetry": ("src", _POETRY, "", _POETRY_INSTALL),
    "poetry flat": (".", _POETRY, "", _POETRY_INSTALL), "pipenv": ("src", _SETUPTOOLS, "", _PIPENV),
}  # fmt: skip

_USUAL = ("pip", "poetry")  # the others are tried with the slow tests


def _package(project: Project, root: str, backend: tuple[str, str], more: str = "") -> None:
    """Make the project one with the package acme below *root*."""
    (project.main / root / "acme").mkdir(parents=True)
    (project.main / root / "acme" / "__init__.py").write_text(_SAYS)
    (project.main / "pyproject.toml").write_text(_PROJECT.format(backend=backend[0], module=backend[1]) + more)
    with (project.main / ".gitignore").open("a") as file:
        file.write(".venv/\n*.egg-info/\n*.txt\nbuild/\n")
    project.git("add", "--all")
    project.configure(_CONFIGURED)


def _install(project: Project, commands: Sequence[Sequence[str]]) -> None:
    for command in commands:
        missing.require(command[0] if "/" not in command[0] else "python3")
        own = {**os.environ, "PIPENV_VERBOSITY": "-1", "PIPENV_YES": "1"}
        run = subprocess.run(command, cwd=project.main, env=own, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
    project.git("add", "--all")
    if project.git("status", "--porcelain"):
        project.git("commit", "--quiet", "-m", "locked")


@pytest.mark.parametrize(
    "manager", [pytest.param(each, marks=() if each in _USUAL else pytest.mark.slow) for each in _MANAGERS]
)
def test_what_runs_in_a_session_is_its_own_code(project: Project, manager: str) -> None:
    root, backend, more, commands = _MANAGERS[manager]
    _package(project, root, backend, more)
    _install(project, commands)

    said = project.inv("session.add", "x").err

    assert f"import Python code from its own {root}" in said
    tree = project.worktree("x")
    own = f"{tree / root}/acme/__init__.py\n".replace("/./", "/")
    assert (tree / "setup.txt").read_text() == own
    assert project.inv("session.run", "acme", cwd=tree).out == own
    if (program := manager.split()[0]) in ("poetry", "pipenv"):
        assert project.inv("session.run", f"{program} run acme", cwd=tree).out == own
    eventually(lambda: (tree / "window.txt").exists() and (tree / "window.txt").read_text() == own)
    assert [each for each in project.inv("session.doctor", code=None).out.splitlines() if "import" in each] == []
    (tree / root / "acme" / "__init__.py").write_text(_SAYS.replace("MISTAKE = 0", "MISTAKE = 1 + 2"))
    project.git("commit", "--quiet", "-am", "a mistake", cwd=tree)
    assert "Verify failed (exit code 3): acme" in project.inv("session.merge", "x", code=1).err
    assert (tree / "verify.txt").read_text() == own


def test_poetry_without_a_lock_file_has_its_environment_and_without_one_it_is_said(project: Project) -> None:
    missing.require("poetry")
    _package(project, "src", _POETRY)
    project.configure(_CONFIGURED.replace("setup: ['acme > setup.txt'],", ""))

    without = project.inv("session.add", "without").err
    assert f"Poetry has no environment for {project.main} yet, so none is activated.\n" in without
    assert project.row("without")["activate"] == ""
    _install(project, _POETRY_INSTALL)
    (project.main / "poetry.lock").unlink()
    project.inv("session.add", "x")

    assert Path(project.row("x")["activate"].removeprefix("source ")).is_file()
    own = project.worktree("x") / "src" / "acme" / "__init__.py"
    assert project.inv("session.run", "acme", cwd=project.worktree("x")).out == f"{own}\n"


def _verifying(project: Project, rest: str) -> Path:
    """Add the session x, which verifies its work as *rest* of the configuration says, and return its worktree."""
    project.configure(f"session: {{copy: [], link: [], env: {{}}, ports: {{}}, windows: [], {rest}}}\n")
    project.inv("session.add", "x")
    return project.worktree("x")


def _commit(project: Project, tree: Path) -> None:
    project.git("add", "--all", cwd=tree)
    project.git("commit", "--quiet", "-m", "work", cwd=tree)


def _refused(project: Project, name: str = "acme") -> None:
    told = project.inv("session.merge", "x", code=1).err
    assert "Verify would test another checkout's code" in told
    assert f"imports {name} from {project.main}/src/{name}/__init__.py" in told
    assert project.git("log", "-1", "--format=%s") != "work"


def test_verify_refuses_to_test_another_checkouts_code(project: Project) -> None:
    _package(project, "src", _SETUPTOOLS)
    _install(project, _PIP_FROM_OUTSIDE)
    tree = _verifying(project, "verify: [acme], variables: {PYTHONPATH: ''}")
    (tree / "src" / "acme" / "new.py").write_text("")
    _commit(project, tree)

    _refused(project)
    (told,) = [each for each in project.inv("session.doctor", "--json", code=1).json if "import" in each["problem"]]
    assert told["fix"].endswith("{worktree}/src")


_RENAMED = {
    "setuptools": (_SETUPTOOLS, "[tool.setuptools]\npackages = ['acme']\npackage-dir = {acme = 'code'}\n", []),
    "meson": (
        ("meson-python", "mesonpy"), "",
        [(".venv/bin/pip", "install", "-q", "meson-python", "meson", "ninja")],
    ),
}  # fmt: skip
_MESON = (
    "project('acme', version: '1')\npy = import('python').find_installation(pure: true)\n"
    "py.install_sources(['code/__init__.py'], subdir: 'acme')\n"
)


@pytest.mark.slow
@pytest.mark.parametrize("backend", _RENAMED)
def test_a_package_with_another_name_than_its_directory_is_not_verified_from_elsewhere(
    project: Project, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PYTHONPATH can't lead to it: `add` says so, and nothing passes on the main checkout's code."""
    requires, more, first = _RENAMED[backend]
    _package(project, "src", requires, more)
    project.git("mv", "src/acme", "code")
    (project.main / "meson.build").write_text(_MESON)
    monkeypatch.setenv("PATH", f"{project.main}/.venv/bin:{os.environ['PATH']}")  # ninja
    isolated = ["--no-build-isolation"] if first else []
    _install(project, [_PIP[0], *first, (".venv/bin/pip", "install", "-q", *isolated, "-e", ".")])
    project.configure("session: {copy: [], link: [], env: {}, ports: {}, windows: [], verify: [acme]}\n")

    added = project.inv("session.add", "x").err

    assert "that is another checkout's code. merge and pr refuse to verify with it." in added
    tree = project.worktree("x")
    assert project.inv("session.run", "acme", cwd=tree).out == f"{project.main}/code/__init__.py\n"
    (tree / "code" / "__init__.py").write_text(_SAYS.replace("MISTAKE = 0", "MISTAKE = 3"))
    _commit(project, tree)
    told = project.inv("session.merge", "x", code=1).err
    assert f"imports acme from {project.main}/code/__init__.py" in told
    assert project.git("log", "-1", "--format=%s") != "work"
    assert any(
        "another checkout's code" in each["why"] for each in project.inv("session.doctor", "--json", code=1).json
    )


def test_verify_asks_the_python_that_a_manager_starts(project: Project) -> None:
    _package(project, "src", _POETRY)
    _install(project, _POETRY_INSTALL)
    words = ["poetry", "env", "info", "--path"]
    place = subprocess.run(words, cwd=project.main, capture_output=True, text=True, check=True).stdout.strip()
    tree = _verifying(project, f"activate: '', verify: ['VIRTUAL_ENV={place} poetry run acme']")
    (tree / "src" / "acme" / "new.py").write_text("")
    _commit(project, tree)

    _refused(project)


@pytest.mark.slow
def test_a_package_that_the_branch_renamed_is_not_tested_as_it_was_and_one_that_it_never_had_is_none_of_it(
    project: Project,
) -> None:
    _package(project, "src", _SETUPTOOLS)
    _install(project, _PIP)
    tree = _verifying(project, "verify: ['acme > verify.txt']")
    (project.main / "src" / "later").mkdir()
    (project.main / "src" / "later" / "__init__.py").write_text("")
    (tree / "src" / "acme" / "new.py").write_text("")
    _commit(project, tree)
    project.git("branch", "before", cwd=tree)
    project.git("mv", "src/acme", "src/other", cwd=tree)
    _commit(project, tree)

    _refused(project)
    project.git("reset", "--quiet", "--hard", "before", cwd=tree)
    project.inv("session.merge", "x")
    assert (tree / "verify.txt").read_text() == f"{tree}/src/acme/__init__.py\n"


@pytest.mark.slow
def test_an_install_in_a_session_that_led_everybody_to_its_code_is_found(project: Project) -> None:
    _package(project, "src", _SETUPTOOLS)
    _install(project, _PIP)
    tree = _verifying(project, "verify: []")
    (tree / "src" / "acme" / "__init__.py").write_text(_SAYS + "# its own\n")
    project.inv("session.run", "pip install -q -e .", cwd=tree)

    found = [each["problem"] for each in project.inv("session.doctor", "--json", code=1).json]

    assert f"{project.main}/.venv imports the code of session x (__editable__.acme-1.pth)" in found


def test_setup_run_and_verify_have_what_the_hooks_of_virtualenvwrapper_set(project: Project, sandbox: Path) -> None:
    home = sandbox / "home" / ".virtualenvs"
    subprocess.run(["python3", "-m", "venv", "--without-pip", str(home / "tally")], check=True)
    (home / "postactivate").write_text("export HOOKED=all\ncd /\n")
    (home / "tally" / "bin" / "postactivate").write_text("export HOOKED=$HOOKED,own\n")
    says = "echo $HOOKED $VIRTUAL_ENV $PWD"
    tree = _verifying(project, f"setup: ['{says} > setup.log'], verify: ['{says} > verify.log']")
    assert project.row("x")["activate"] == "workon tally"
    with (project.main / ".git" / "info" / "exclude").open("a") as file:
        file.write("*.log\n")
    (tree / "new").write_text("")
    _commit(project, tree)

    project.inv("session.merge", "x")

    said = f"all,own {home / 'tally'} {tree}\n"
    assert (tree / "setup.log").read_text() == (tree / "verify.log").read_text() == said
    assert project.inv("session.run", says, cwd=tree).out == said
