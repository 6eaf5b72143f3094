"""The table of `list`: its order, its width, and its colours."""

import re

import pytest

from tasks.system import terminal
from tasks.views import tables
from testing.project import Project

_TITLES = ["name", "branch", "ports", "state", "git", "age", "claude"]
_ROW = ["a-rather-long-name-that-nobody-types", "topic", "8000 up", "running", "clean", "5m", "waiting 2m"]


def test_sessions_are_sorted_by_the_numbers_in_their_names_and_the_branch_shows_where_it_differs(
    project: Project,
) -> None:
    project.configure("session: {windows: [], copy: [], link: [], env: {}}\n")
    for name in ("task-10", "task-2"):
        project.inv("session.add", name)

    plain = project.inv("session.list").out.splitlines()

    assert plain[0].split() == ["name", "ports", "state", "git", "age", "claude"]
    assert [line.split()[0] for line in plain[2:]] == ["task-2", "task-10"]
    project.inv("session.add", "other", "--branch", "topic")
    assert project.inv("session.list").out.split()[:3] == ["name", "branch", "ports"]


def test_what_git_has_begun_and_what_is_checked_out_instead_stands_in_the_list_and_is_told_by_the_doctor(
    project: Project,
) -> None:
    project.configure("session: {windows: [], copy: [], link: [], env: {}}\n")
    for name in ("begun", "detached", "other"):
        project.inv("session.add", name)
        (project.worktree(name) / "new").write_text(name)
        project.git("add", "new", cwd=project.worktree(name))
        project.git("commit", "--quiet", "-m", name, cwd=project.worktree(name))
    project.git("checkout", "--quiet", "--detach", cwd=project.worktree("detached"))
    project.git("checkout", "--quiet", "-b", "elsewhere", cwd=project.worktree("other"))
    with pytest.raises(Exception, match="returned non-zero"):
        project.git("rebase", "detached", cwd=project.worktree("begun"))

    lines = project.inv("session.list").out.splitlines()
    problems = project.inv("session.doctor", code=None).out

    assert [re.search(r"rebase in progress|detached HEAD|on elsewhere", line)[0] for line in lines[2:]] == [  # type: ignore[index]
        "rebase in progress", "detached HEAD", "on elsewhere",
    ]  # fmt: skip
    assert "begun: a rebase is in progress" in problems
    assert "detached: HEAD is detached" in problems
    assert "other: branch elsewhere is checked out" in problems


@pytest.mark.parametrize("columns", [100, 70, 60, 40])
def test_long_names_are_cut_in_the_middle_before_a_column_is_left_out(columns: int) -> None:
    lines = tables.fit_table(_TITLES, [_ROW], columns).splitlines()

    assert len(lines[1]) <= columns or "hidden: branch, age, git, ports" in lines[-1]
    if columns >= 70:
        assert "…" in lines[2] or columns == 100
        assert not lines[-1].startswith("(hidden") or columns < 75
    assert lines[2].startswith("a-ra")


def test_a_cell_is_coloured_by_what_it_says_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "paint_answer", lambda text, colour: f"<{colour}:{text}>")
    text = tables.fit_table(
        _TITLES, [_ROW, ["running", "on x", "8000 off", "partial", "detached HEAD", "1m", "idle"]], 0
    )

    painted = tables.paint_table(text).splitlines()

    assert painted[:2] == text.splitlines()[:2]
    assert re.sub(r"<\d:(.*?)>", r"\1", "\n".join(painted)) == text
    assert re.findall(r"<(\d):(.*?)>", painted[2]) == [
        (str(terminal.GREEN), "running"),
        (str(terminal.YELLOW), "waiting 2m"),
    ]
    assert re.findall(r"<(\d):(.*?)>", painted[3]) == [
        (str(terminal.YELLOW), "8000 off"), (str(terminal.YELLOW), "partial"), (str(terminal.YELLOW), "detached HEAD"),
    ]  # fmt: skip
    assert tables.paint_table(tables.NONE) == tables.NONE
