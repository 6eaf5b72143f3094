"""A session that is added with --bare has all that stays, and nothing of it runs before it is started."""

from pathlib import Path

from testing.project import Project, eventually
from testing.terminal import panes, runs


def test_nothing_of_a_bare_session_runs_until_it_is_started_by_name(project: Project) -> None:
    plan = project.inv("session.add", "x", "--bare", "--dry-run").out
    assert "worktree" in plan and "tmux" not in plan and "programs" not in plan
    added = project.inv("session.add", "x", "--bare", "--json").json
    place = project.worktree("x")
    assert (added["worktree"], added["status"], added["bare"]) == (str(place), "stopped", True)
    assert f"BACKEND_PORT='{added['ports']['backend_port']}'" in project.inv("session.env", "x").out
    assert (place / "backend" / "db.sqlite3").exists() and (place / "frontend" / ".env").exists()

    assert "session.resume" not in project.inv("session.list").err  # it would start nothing
    project.inv("session.resume")
    project.inv("session.start", "--all")
    project.inv("session.doctor", "--fix")
    assert (panes("tally-x", "#{pane_id}"), project.listed("x")["status"]) == ([], "stopped")
    assert "x" not in project.inv("session.doctor", code=None).out.split()

    project.inv("session.start", cwd=place)
    runs(project, "x")
    assert project.row("x")["bare"] is False
    project.inv("session.stop", "x")
    project.inv("session.resume")
    runs(project, "x")


def test_a_bare_session_is_still_one_when_it_is_restored(project: Project) -> None:
    project.inv("session.add", "x", "--bare")
    (project.worktree("x") / "new.txt").write_text("kept")
    project.inv("session.remove", "x", "--force")
    project.inv("session.restore", "x")

    assert (project.worktree("x") / "new.txt").read_text() == "kept"
    assert (project.listed("x")["bare"], panes("tally-x", "#{pane_id}")) == (True, [])


def test_its_prompt_waits_for_the_start(project: Project, sandbox: Path) -> None:
    project.configure("session: {windows: [{name: claude, claude: true}], setup: [touch made]}\n")
    project.inv("session.add", "x", "--bare", "--prompt", "Begin here")
    assert (project.worktree("x") / "made").exists()
    assert not (sandbox / "bin" / "claude.log").exists() or "Begin here" not in _log(sandbox)

    project.inv("session.start", "x")
    runs(project, "x")
    eventually(lambda: "Begin here" in _log(sandbox))


def _log(sandbox: Path) -> str:
    return (sandbox / "bin" / "claude.log").read_text()


def test_bare_contradicts_what_needs_a_window(project: Project) -> None:
    for flag in ("--wait", "--attach"):
        assert f"Leave out {flag}, or --bare" in project.inv("session.add", "x", "--bare", flag, code=1).err
