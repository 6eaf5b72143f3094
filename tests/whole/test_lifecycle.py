"""The whole of a session's life, on real git and tmux."""

import json
from pathlib import Path

from testing.project import Project
from testing.terminal import runs

_LISTED = set("name slug branch worktree ports status dirty ahead behind claude component created".split())


def test_an_added_session_runs_and_its_removal_leaves_the_world_as_it_was(project: Project) -> None:
    before = project.world()

    project.inv("session.add", "feature/deep.er")
    runs(project, "feature/deep.er")
    project.inv("session.remove", "feature/deep.er")

    assert project.world() == before


def test_the_answer_is_on_stdout_and_the_narration_on_stderr(project: Project) -> None:
    said = project.inv("session.add", "x")

    ports = project.listed("x")["ports"]
    assert [line.split()[1] for line in said.out.splitlines()[:2]] == [f"http://localhost:{p}" for p in ports.values()]
    assert "inv session.attach x" in said.out
    told = [line.split() for line in said.err.splitlines() if line.endswith(" s")]
    assert [words[0] for words in told] == ["worktree", "tmux", "files", "programs"]
    assert all(float(words[-2]) >= 0 for words in told)
    assert "\033" not in said.out + said.err


def test_json_answers_are_json_alone_with_all_that_a_session_is(project: Project) -> None:
    added = project.inv("session.add", "b/x", "--json").json
    project.inv("session.add", "a")

    listed = project.inv("session.list", "--json").json
    shown = project.inv("session.show", "b/x", "--json").json

    assert [each["name"] for each in listed] == ["a", "b/x"]
    for record in (added, *listed, shown):
        assert set(record) >= _LISTED
    row = project.row("b/x")
    ports = {"backend_port": row["backend_port"], "frontend_port": row["frontend_port"]}
    assert added["ports"] == shown["ports"] == ports
    assert (shown["slug"], shown["branch"], shown["worktree"]) == ("b-x", "b/x", str(project.worktree("b-x")))
    assert (shown["dirty"], shown["ahead"], shown["behind"]) == (False, 0, 0)


def test_the_list_of_no_sessions_is_an_empty_array(project: Project) -> None:
    assert project.inv("session.list", "--json").json == []


def test_the_list_tells_work_from_none(project: Project) -> None:
    project.inv("session.add", "x")
    worktree = project.worktree("x")
    project.git("commit", "--allow-empty", "-m", "mine", cwd=worktree)
    project.git("commit", "--allow-empty", "-m", "theirs")
    (worktree / "new").touch()

    listed = project.listed("x")

    assert (listed["dirty"], listed["ahead"], listed["behind"]) == (True, 1, 1)
    assert "1 changed, 1 ahead, 1 behind" in project.inv("session.list").out


def test_a_row_begins_with_the_keys_of_the_seeds(project: Project) -> None:
    project.inv("session.add", "x")

    assert list(project.row("x"))[:4] == ["backend_port", "frontend_port", "worktree", "branch"]
    assert project.row("x")["worktree"] == str(project.worktree("x"))


def test_a_worktree_and_its_subdirectories_use_the_registry_of_the_main_checkout(project: Project) -> None:
    project.inv("session.add", "x")
    inside = project.worktree("x") / "backend"

    project.inv("session.add", "y", cwd=inside)

    assert set(json.loads((project.main / ".tally-sessions").read_text())) == {"x", "y"}
    assert not (project.worktree("x") / ".tally-sessions").exists()
    assert project.git("rev-parse", "--abbrev-ref", "HEAD", cwd=project.worktree("y")) == "y"
    assert project.inv("session.show", "--json", cwd=inside).json["name"] == "x"
    assert [each["name"] for each in project.inv("session.list", "--json", cwd=inside).json] == ["x", "y"]


def test_a_dry_run_of_add_changes_nothing_and_starts_nothing(project: Project, sandbox: Path) -> None:
    before = project.world()

    said = project.inv("session.add", "x", "--dry-run")

    assert project.world() == before
    assert not any((sandbox / "tmux").rglob("default"))
    assert not (sandbox / "state").exists()
    assert str(project.worktree("x")) in said.out
    assert "python manage.py runserver" in said.out


def test_a_dry_run_of_remove_changes_nothing(project: Project) -> None:
    project.inv("session.add", "x")
    runs(project, "x")
    before = project.world()

    said = project.inv("session.remove", "x", "--dry-run")

    assert project.world() == before
    assert str(project.worktree("x")) in said.out


def test_a_dry_run_refuses_what_would_be_refused(project: Project) -> None:
    project.git("branch", "x/y")

    assert "x/y" in project.inv("session.add", "x", "--dry-run", code=1).err
