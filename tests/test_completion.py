"""What Tab offers, through Invoke's own scripts in real shells."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests import transcript
from tests.project import CHECKOUT, INV, Project

_CLAIMED = '{"feature-auth": {"backend_port": 8000, "frontend_port": 5000, "worktree": "/nowhere/a", "branch": "a"},' \
    ' "fix": {"backend_port": 8001, "frontend_port": 5001, "worktree": "/nowhere/b", "branch": "b"}}'  # fmt: skip


@pytest.fixture
def named(project: Project) -> Project:
    (project.main / ".tally-sessions").write_text(_CLAIMED)
    return project


def offered(project: Project, *words: str) -> list[str]:
    return project.inv("--complete", "--", "inv", *words).out.split()


@pytest.mark.parametrize(("words", "expected"), [
    (["session.attach"], ["session.attach", "feature-auth", "fix"]),
    (["session.rm", "fea"], ["feature-auth", "fix"]),
    (["session.compare", "fix", "fea"], ["feature-auth", "fix"]),
    (["session.remove", "--force", "session.resume", "f"], ["feature-auth", "fix"]),
])  # fmt: skip
def test_the_names_of_sessions_are_offered(named: Project, words: list[str], expected: list[str]) -> None:
    assert offered(named, *words) == expected


def test_tasks_and_flags_are_offered_as_before(named: Project) -> None:
    assert "session.resume" in offered(named, "ses")
    assert "session.resume" in offered(named, "session.attach", "fix", "")
    assert "--force" in offered(named, "session.remove", "fix", "--f")
    assert "session.list" in offered(named, "session.list")


def test_what_was_removed_is_offered_to_restore(project: Project) -> None:
    project.inv("session.add", "x")
    project.inv("session.remove", "x")

    assert offered(project, "session.restore", "") == ["session.restore", "x"]


def test_outside_of_a_repository_tab_prints_no_error(named: Project) -> None:
    (named.main / ".tally-sessions").write_text("{broken")

    said = named.inv("--complete", "--", "inv", "session.attach")

    assert (said.err, "session.attach" in said.out) == ("", True)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shells_complete_a_name(named: Project, shell: str) -> None:
    words = {
        "bash": "COMP_WORDS=(inv session.attach fe); _complete_invoke inv fe; echo ${COMPREPLY[@]}",
        "zsh": "words=(inv session.attach fe); _complete_invoke; echo $reply",
    }
    script = f'compctl() {{ :; }}; source <("{INV}" --print-completion-script={shell}); {words[shell]}'

    said = subprocess.run([shell, "-c", script], cwd=named.main, capture_output=True, text=True, check=True)

    assert "feature-auth" in said.stdout.split()


def test_the_line_in_the_manual_makes_fish_complete_a_name(named: Project) -> None:
    if not (fish := shutil.which("fish")):
        pytest.skip("fish is not installed")
    (line,) = transcript.blocks(CHECKOUT / "docs" / "howto" / "daily.md", "fish")
    script = f"set -x PATH {Path(INV).parent} $PATH\n{line}complete -C 'inv session.attach fe'"

    said = subprocess.run([fish, "-c", script], cwd=named.main, capture_output=True, text=True, check=True).stdout

    assert said.split() == ["feature-auth"]
