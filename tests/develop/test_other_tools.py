"""What `inv embed` writes survives the linters, formatters and test runners of the repository that it is in."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from develop import embedding
from develop.embedding import files
from testing import missing
from testing.project import INV

_OWN = {
    "own.py": "import os\ndef one( ):\n    '''One.\n\n    >>> one()\n    1\n    '''\n    return 1\n",
    "pyproject.toml": '[project]\nname = "own"\nversion = "1"\n[tool.pytest.ini_options]\n'
    'addopts = ["--doctest-modules"]\n',
    ".pre-commit-config.yaml": "repos:\n  - repo: local\n    hooks:\n      - {id: types, name: types, entry: mypy,"
    " language: system, types: [python], require_serial: true}\n",
    "package.json": '{ "devDependencies": { "prettier": "^3" } }\n',
}  # fmt: skip


def _git(top: Path, *words: str) -> str:
    argv = ["git", "-C", str(top), "-c", "user.name=a", "-c", "user.email=a@b", *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def embedded(sandbox: Path) -> Path:
    """Return a repository with its own tools, in which the sessions are committed."""
    top = sandbox / "target"
    subprocess.run(["git", "init", "--quiet", str(top)], check=True)
    for name, text in _OWN.items():
        (top / name).write_text(text)
    _git(top, "add", "--all")
    _git(top, "commit", "--quiet", "-m", "own")
    said = embedding.embed(top, patch=True)
    assert "Added to pyproject.toml: --doctest-modules --ignore=tasks --ignore=tasks.py" in said
    command = next(line for line in said.splitlines() if line.startswith("  git add"))
    (top / "requirements-dev.txt").write_text("")  # which the command before it makes
    subprocess.run(command.replace("git commit", "git -c user.name=a -c user.email=a@b commit"), shell=True, cwd=top,
                   check=True, capture_output=True)  # fmt: skip
    assert _git(top, "status", "--porcelain") == ""  # the printed commit has everything
    return top


def _run(top: Path, *argv: str, expected: int = 0) -> None:
    missing.require(argv[0])
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PRE_COMMIT_HOME": str(top.parent / "pre-commit")}
    said = subprocess.run(argv, cwd=top, env=env, capture_output=True, text=True, check=False)
    assert said.returncode == expected, f"{argv}: {said.stdout[-3000:]}\n{said.stderr[-3000:]}"


def _ours(top: Path) -> str:
    return _git(top, "status", "--porcelain", "--", "tasks", "tasks.py", "docs", "invoke.yaml")


@pytest.mark.slow
def test_linters_and_formatters_leave_it_alone(embedded: Path) -> None:
    for argv in (
        ("ruff", "check", "--fix", "--select", "F,E,W,I,UP,B,SIM,RUF", "--ignore-noqa", "tasks.py"),
        ("ruff", "check", "--fix", "--select", "F,E,W,I,UP,B,SIM,RUF,D,ANN,S,PTH", "tasks", "tasks.py"),
        ("ruff", "format", "."), ("ruff", "check", "--fix", "."),
    ):  # fmt: skip
        missing.require(argv[0])
        subprocess.run(argv, cwd=embedded, capture_output=True, check=False)
        assert _ours(embedded) == "", argv
    named = "mypy --strict tasks/errors.py tasks/model.py"
    for words in ("mypy tasks.py", named, "mypy .", "pytest -q -p no:xdist"):
        _run(embedded, *words.split())


@pytest.mark.slow
def test_programs_that_its_project_may_have_leave_it_alone(embedded: Path) -> None:
    commands = [
        "black --quiet .", "isort --quiet .", "flake8 tasks tasks.py", "yamllint --strict invoke.yaml",
        "pre-commit run --all-files", "prettier --write .", "prettier --check tasks docs invoke.yaml",
    ]  # fmt: skip
    present = [each for each in commands if missing.find_program(each.split()[0])]
    for command in present:
        _run(embedded, *command.split())
        assert _ours(embedded) == "", command
    missing.require(*{each.split()[0] for each in {*commands} - {*present}})


@pytest.mark.slow
def test_the_tests_of_django_pass_without_invoke(embedded: Path) -> None:
    missing.require("django-admin")
    django = Path(shutil.which("django-admin") or "").resolve().with_name("python")
    subprocess.run([django, "-m", "django", "startproject", "site_", "."], cwd=embedded, check=True)
    (embedded / "tests.py").write_text("from django.test import SimpleTestCase\nclass T(SimpleTestCase):\n"
                                       "    def test_one(self): pass\n")  # fmt: skip
    assert subprocess.run([django, "-c", "import invoke"], capture_output=True, check=False).returncode == 1

    said = subprocess.run([django, "manage.py", "test"], cwd=embedded, capture_output=True, text=True, check=False)

    assert (said.returncode, "Ran 1 test" in said.stderr) == (0, True), said.stderr


@pytest.mark.slow
def test_what_was_only_reformatted_is_told_from_what_was_changed_and_one_command_leads_back(embedded: Path) -> None:
    for file in (embedded / "tasks").rglob("*.py"):
        text = file.read_text()
        file.write_text(re.sub(r"(?m)^# (flake8|fmt|isort|mypy|pylint).*\n", "", text, count=5))
    subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--quiet", "--line-length", "80", "tasks"], cwd=embedded, check=True
    )
    assert len(_ours(embedded).splitlines()) > 200

    assert "which was only reformatted" in embedding.embed(embedded)
    assert _ours(embedded) == ""
    errors = embedded / "tasks" / "errors.py"
    errors.write_text(errors.read_text().replace("import os\n", "import os\nmine = 1\n"))
    with pytest.raises(embedding.EmbedError, match=r"(?s)\+mine = 1.*--force$") as refused:
        embedding.embed(embedded)
    assert "lifecycle.py" not in str(refused.value)
    _git(embedded, "commit", "--quiet", "--all", "-m", "mine")
    assert "Your changes of tasks/ are in git." in embedding.embed(embedded, force=True)
    assert not (embedded / "tasks.yours").exists()
    assert "mine" not in errors.read_text()


@pytest.mark.parametrize("left", [
    'import sys\nfrom pathlib import Path\n\nif not Path(__file__).with_suffix("").is_dir():\n    sys.exit("tasks/ is'
    ' missing here. Commit it together with tasks.py: git add tasks")\ndel sys.modules[__name__]\n',
    files.NEW.replace('"', "'"),
])  # fmt: skip
def test_a_front_door_that_was_tidied_is_ours_and_works_again(embedded: Path, left: str) -> None:
    (embedded / "tasks.py").write_text(left)

    embedding.embed(embedded)

    listed = subprocess.run([INV, "--list"], cwd=embedded, capture_output=True, text=True, check=True).stdout
    assert "session.add" in listed
    theirs = left.replace("from pathlib import Path\n", "from pathlib import Path\nfrom deploy import deploy\n")
    (embedded / "tasks.py").write_text(theirs)
    embedding.embed(embedded, patch=True)
    assert (embedded / "tasks.py").read_text().startswith(theirs)
