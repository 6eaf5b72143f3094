"""A session gets another name: with all that carries it, at any moment, and nothing of it is lost."""

import json
import subprocess
from pathlib import Path

import pytest

from tasks.claude import launch, transcripts
from tasks.config import settings
from tasks.integrate import rename
from tasks.model import Repository, Session
from tasks.store import rows, seals
from testing.project import Project
from testing.terminal import panes, tmux

_PLAIN = "session: {windows: [{name: shell}], env: {.env: {HERE: '{worktree}/here'}}, copy: [.env]}\n"


def _session(project: Project, name: str) -> Session:
    repository = Repository(project.main, project.main / ".git")
    return rows.session_from_row(name, project.row(name), repository, lambda *_row: pytest.fail("not ours"))


def _made(project: Project, text: str = _PLAIN, name: str = "x") -> Path:
    (project.main / ".env").write_text("OTHER=1\n")
    project.configure(text)
    project.inv("session.add", name)
    return project.worktree(name)


def _branches(project: Project) -> list[str]:
    return project.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split()


def test_what_runs_stays_and_the_directory_follows_when_it_is_stopped(project: Project) -> None:
    tree = _made(project)
    (tree / "new").write_text("new\n")
    project.git("config", "branch.x.description", "about x")
    before, ids = project.row("x"), panes("tally-x", "#{pane_id}")

    said = project.inv("session.rename", "x", "feature/y").out

    assert said.splitlines()[0] == "Renamed x to feature/y: branch feature/y, tmux session tally-feature-y."
    assert f"{tree} keeps its name for now, because its windows are open." in said
    assert panes("tally-feature-y", "#{pane_id}") == ids
    assert project.git("symbolic-ref", "HEAD", cwd=tree) == "refs/heads/feature/y"
    assert project.git("config", "branch.feature/y.description") == "about x"
    assert "x" not in _branches(project)
    row = project.row("feature/y")
    assert row["ports"] == before["ports"] and row["worktree"] == str(tree)
    assert seals.is_intact("feature/y", row)
    assert project.listed("feature/y")["status"] == "running"
    assert project.inv("session.doctor").out == "No problems.\n"
    assert "the same directory name" in project.inv("session.add", "x", code=1).err  # that has its directory
    moved = project.worktree("feature-y")
    assert f"The worktree of feature/y is now at {moved}." in project.inv("session.stop", "feature/y").err
    assert not tree.exists() and (moved / "new").read_text() == "new\n"
    project.inv("session.start", "feature/y")
    assert f"HERE={moved}/here" in (moved / ".env").read_text()
    assert project.inv("session.doctor").out == "No problems.\n"
    project.inv("session.remove", "feature/y", "--force")
    project.inv("session.restore", "feature/y")
    assert (moved / "new").read_text() == "new\n"
    project.inv("session.add", "x")


def test_a_dry_run_says_all_and_changes_nothing(project: Project) -> None:
    tree = _made(project)
    before = project.world()

    said = project.inv("session.rename", "x", "y", "--dry-run").out

    assert said.startswith("Would rename x to y: branch y, tmux session tally-y.\n")
    assert f"{tree} keeps its name for now, because its windows are open." in said
    assert "Branch main already exists" in project.inv("session.rename", "x", "main", "--dry-run", code=1).err
    assert project.world() == before
    project.inv("session.stop", "x")
    planned = project.inv("session.rename", "x", "y", "--dry-run", "--json").json
    assert planned["worktree"] == str(project.worktree("y")) and tree.exists()
    assert project.inv("session.rename", "x", "y", "--json").json == planned


def test_a_renamed_session_that_runs_is_removed_and_comes_back(project: Project) -> None:
    tree = _made(project)
    (tree / "new").write_text("new\n")
    project.inv("session.rename", "x", "y")

    project.inv("session.remove", "y", "--force")
    project.inv("session.restore", "y")

    assert (tree / "new").read_text() == "new\n"
    assert project.listed("y")["branch"] == "y"


def test_inside_of_its_worktree_one_name_is_enough(project: Project) -> None:
    tree = _made(project)
    project.inv("session.stop", "x")

    answer = project.inv("session.rename", "y", "--json", cwd=tree).json

    assert answer == {
        "name": "y", "before": "x", "branch": "y", "tmux": "tally-y", "worktree": str(project.worktree("y")),
        "directory_stays": "",
    }  # fmt: skip
    said = project.inv("session.rename", "z", cwd=project.worktree("y")).out
    assert said.endswith(f"Your directory was renamed, too.\nRun: cd {project.worktree('z')}\n")


def test_sessions_that_begin_at_its_branch_follow_it(project: Project) -> None:
    _made(project)
    project.inv("session.add", "z", "--base", "x")

    project.inv("session.rename", "x", "y")

    assert project.row("z")["base"] == "y"
    assert seals.is_intact("z", project.row("z"))


def test_a_branch_of_another_name_stays(project: Project) -> None:
    project.configure(_PLAIN)
    project.inv("session.add", "x", "--branch", "other")

    project.inv("session.rename", "x", "y")

    assert project.row("y")["branch"] == "other"
    assert "other" in _branches(project)


_FAULTS = {
    "taken": "Session taken already exists.",
    "kept": "Branch kept already exists.",
    "kept/deeper": "Git can't have both branches kept and kept/deeper.",
    "running": "A tmux session tally-running is already running,",
    "far": "Branch origin/far already exists.",
    "a..b": "Invalid name",
    "x": "Session x has that name already.",
    "ta.ken": "would have the same directory name",
}


def test_what_is_in_the_way_is_refused(project: Project) -> None:
    _made(project)
    for name in ("ta-ken", "taken"):
        project.inv("session.add", name)
    project.git("branch", "kept")
    project.git("update-ref", "refs/remotes/origin/far", "HEAD")
    tmux("new-session", "-d", "-s", "tally-running")
    before = (project.main / ".tally-sessions").read_text()

    for new, fault in _FAULTS.items():
        assert fault in project.inv("session.rename", "x", new, code=1).err
    assert (project.main / ".tally-sessions").read_text() == before

    project.inv("session.rename", "x", "x/deeper")
    assert "x/deeper" in _branches(project)


class _KilledError(Exception):
    """Stands for the end of the process."""


_STEPS = ("_move_worktree", "_rename_branch", "_rename_tmux", "_move_notes")


@pytest.mark.parametrize("how", ["session.rename x y", "session.doctor --fix"])
@pytest.mark.parametrize("step", _STEPS)
def test_one_that_was_killed_is_finished(
    project: Project, step: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _made(project)
    if step in ("_move_worktree", "_move_notes"):
        project.inv("session.stop", "x")

    def end(old: Session, session: Session) -> None:
        if step != "_move_worktree" or old.worktree != session.worktree:
            raise _KilledError

    with monkeypatch.context() as patch, pytest.raises(_KilledError):
        patch.setattr(rename, step, end)
        _rename_here(project)
    problems = project.inv("session.doctor", code=1).out

    project.inv(*how.split())

    assert ("renaming its directory" if step.startswith("_move") else "renaming it from x") in problems
    assert project.listed("y")["branch"] == "y" and "x" not in _branches(project)
    assert project.row("y")["renaming"] == {}
    assert not panes("tally-x", "#{pane_id}")
    project.inv("session.stop", "y")
    project.inv("session.rename", "y", "z")
    assert project.git("symbolic-ref", "HEAD", cwd=project.worktree("z")) == "refs/heads/z"
    assert project.inv("session.doctor").out == "No problems.\n"


def _rename_here(project: Project) -> None:
    session = _session(project, "x")
    rename.move_directory(rename.rename_session(session, "y", settings.parse_settings({})))


def test_a_git_that_was_killed_between_two_branches_is_finished(project: Project) -> None:
    tree = _made(project)
    project.git("config", "branch.x.description", "about x")
    row = project.row("x")
    tip = project.git("rev-parse", "x")
    before = {key: row[key] for key in ("branch", "tmux", "slug", "worktree", "work_log")}
    text = json.loads((project.main / ".tally-sessions").read_text())
    text["y"] = {**text.pop("x"), "branch": "y", "tmux": "tally-y", "retitle": "x"}
    text["y"]["renaming"] = {"name": "x", "tip": tip, **before}
    (project.main / ".tally-sessions").write_text(json.dumps(text))
    project.git("update-ref", "-d", "refs/heads/x")

    project.inv("session.rename", "x", "y")

    assert project.git("rev-parse", "y") == tip
    assert project.git("symbolic-ref", "HEAD", cwd=tree) == "refs/heads/y"
    assert project.git("config", "branch.y.description") == "about x"


def test_the_conversation_goes_along_and_gets_the_name(project: Project) -> None:
    _made(project, "session: {windows: [{name: claude, claude: true}]}\n")
    project.inv("session.stop", "x")
    session = _session(project, "x")
    file = transcripts.transcripts_directory(session) / f"{session.conversation}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"type": "user", "message": {"content": "hello"}}) + "\n")

    project.inv("session.rename", "x", "y")

    renamed = _session(project, "y")
    assert not file.exists()
    assert (transcripts.transcripts_directory(renamed) / file.name).exists()
    assert renamed.private.is_dir() and not session.private.exists()
    assert launch.conversation_command(renamed).endswith(f"--resume {session.conversation} -n tally-y")
    assert launch.conversation_command(renamed).endswith(f"--resume {session.conversation}")  # once


def test_the_work_log_says_the_new_name(project: Project) -> None:
    log = 'work_log: {file: LOG.md, templates: {task: "## {name}\\n\\nOn {branch}: {status}\\n"}}'
    _made(project, f"session: {{windows: [{{name: shell}}], {log}}}\n")
    text = (project.main / "LOG.md").read_text()
    (project.main / "LOG.md").write_text(text.replace("<!-- tally-sessions: end", "my x\n<!-- tally-sessions: end"))

    project.inv("session.rename", "x", "y")
    project.inv("session.stop", "y")

    text = (project.main / "LOG.md").read_text()
    assert "## y\n" in text and "On y: " in text and "## x" not in text and "my x\n" in text
    assert text.count("<!-- session ") == 1 and "<!-- session y " in text


def test_a_directory_that_a_virtual_environment_names_stays(project: Project) -> None:
    tree = _made(project)
    project.inv("session.stop", "x")
    subprocess.run(["python3", "-m", "venv", "--without-pip", str(tree / "venv")], check=True)

    said = project.inv("session.rename", "x", "y").out

    assert "because a virtual environment in it has its path." in said
    assert tree.is_dir()


def test_where_the_remote_branch_is_is_said(project: Project, sandbox: Path) -> None:
    _made(project)
    project.git("init", "--quiet", "--bare", str(sandbox / "origin"))
    project.git("remote", "add", "origin", str(sandbox / "origin"))
    project.git("push", "--quiet", "--set-upstream", "origin", "x", cwd=project.worktree("x"))

    said = project.inv("session.rename", "x", "y").out

    assert said.endswith("origin/x keeps its name.\nPush there: git push origin y:x\n")
    (project.worktree("x") / "more").write_text("more\n")
    project.git("add", "more", cwd=project.worktree("x"))
    project.git("commit", "--quiet", "-m", "more", cwd=project.worktree("x"))
    project.git("push", "--quiet", "origin", "y:x", cwd=project.worktree("x"))
    assert project.git("rev-parse", "origin/x") == project.git("rev-parse", "y")
