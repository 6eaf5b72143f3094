"""The trial of embedding: what it asks of a repository, and whose server it counts."""

import subprocess
import sys
from pathlib import Path

from develop.detection.facts import collect_facts
from develop.embedding.trial import is_of, own_checks

_SERVE = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); s.accept()"


def test_only_a_program_of_the_trial_counts_as_its_server(sandbox: Path) -> None:
    mine, other = sandbox / "mine", sandbox / "other"
    mine.mkdir()
    other.mkdir()
    with subprocess.Popen([sys.executable, "-c", _SERVE], cwd=mine, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        port = int(served.stdout.readline())
        counted = [is_of(port, place) for place in (mine, sandbox, other)]
        served.kill()

    assert counted == [True, True, False]
    assert not is_of(port, mine)


def test_its_own_linters_and_tests_are_asked_for_without_a_browser(sandbox: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(sandbox)], check=True)
    (sandbox / "pyproject.toml").write_text("[tool.ruff]\n[tool.mypy]\n")
    (sandbox / "manage.py").write_text("")
    (sandbox / "pnpm-lock.yaml").write_text("")
    (sandbox / "package.json").write_text('{"scripts": {"lint": "eslint .", "test": "pnpm test:e2e"}}')

    asked = [each.removeprefix("PATH=$PWD/.venv/bin:$PATH ") for each in own_checks(collect_facts(sandbox))]

    assert asked == ["ruff check .", "ruff format --check .", "mypy .", "python manage.py test", "CI=1 pnpm run lint"]
