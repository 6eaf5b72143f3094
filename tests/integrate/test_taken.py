"""A worktree that somebody made by hand becomes a session, and a failure gives it back as it was."""

import json
import subprocess
from pathlib import Path

from testing.project import Project

_WINDOWS = "windows: [{name: shell}]"
_CONFIGURED = (
    "session: {%s, ports: {app_port: 8000}, copy: [.env, notes.ignored], link: [node_modules],"
    " env: {.env: {PORT: '{app_port}'}}%s}\n"
)


def _made(project: Project, more: str = "", branch: str = "feature/mine") -> Path:
    """A worktree made by hand, with work of every kind, and its own .env; return where it is."""
    (project.main / "node_modules").mkdir()
    (project.main / ".env").write_text("PORT=1\nMAIN=1\n")
    (project.main / "notes.ignored").write_text("of main\n")
    with (project.main / ".gitignore").open("a") as file:
        file.write("*.ignored\n")
    project.configure(_CONFIGURED % (_WINDOWS, more))
    project.git("commit", "--quiet", "-am", "ignore")
    place = project.top / "by hand"
    project.git("worktree", "add", "--quiet", "-b", branch, str(place))
    (place / ".env").write_text("PORT=9\nOWN=secret\n")
    (place / ".env").chmod(0o600)
    (place / "new").write_text("new\n")
    (place / "backend" / "manage.py").write_text("changed\n")
    return place


def _content(place: Path) -> dict[str, str]:
    files = [each for each in place.rglob("*") if each.is_file() and not each.is_symlink()]
    return {str(each.relative_to(place)): each.read_text() for each in files if each.name != ".git"}


def test_a_worktree_becomes_a_session_with_all_that_is_in_it(project: Project) -> None:
    place = _made(project)
    (place / "backend" / "in").mkdir()

    added = project.inv("session.add", "--worktree", str(place / "backend" / "in"))

    row = project.row("feature/mine")
    assert row["worktree"] == str(place) and row["branch"] == "feature/mine" and not row["creates_branch"]
    port = row["app_port"]
    assert (place / ".env").read_text() == f"PORT={port}\nOWN=secret\n"
    kept = next((project.main / ".git" / "tally-sessions" / "refreshed").glob("*/*/.env"))
    assert kept.read_text() == "PORT=9\nOWN=secret\n" and kept.stat().st_mode & 0o777 == 0o600
    assert f".env gets the session's values. What it had is in {kept.parent}" in added.err
    assert (place / "new").read_text() == "new\n" and (place / "backend" / "manage.py").read_text() == "changed\n"
    assert (place / "notes.ignored").read_text() == "of main\n" and (place / "node_modules").is_symlink()
    assert project.listed("feature/mine")["status"] == "running" and project.listed("feature/mine")["dirty"]
    assert project.inv("session.doctor").out == "No problems.\n"
    assert "uncommitted changes" in project.inv("session.remove", "feature/mine", code=1).err
    project.inv("session.remove", "feature/mine", "--force")
    assert not place.exists() and project.git("rev-parse", "feature/mine")
    project.inv("session.restore", "feature/mine")
    assert (place / "new").read_text() == "new\n" and "OWN=secret" in (place / ".env").read_text()
    project.inv("session.rename", "feature/mine", "other")
    assert project.row("other")["branch"] == "other"


def test_a_failure_gives_the_worktree_back_as_it_was(project: Project) -> None:
    place = _made(project)
    before, status = _content(place), project.git("status", "--porcelain", "--ignored", cwd=place)
    changed = (place / ".env").stat().st_mtime_ns
    project.git("branch", "kept")
    tmux = "tally-feature-mine"
    subprocess.run(["tmux", "new-session", "-d", "-s", tmux, "-c", str(place)], check=True)

    refused = project.inv("session.add", "--worktree", str(place), code=1)

    assert f"A tmux session {tmux} is already running, and it isn't this session's." in refused.err
    assert _content(place) == before
    assert (place / ".env").stat().st_mtime_ns == changed
    assert project.git("status", "--porcelain", "--ignored", cwd=place) == status
    assert project.inv("session.list", "--json").json == []
    assert subprocess.run(["tmux", "has-session", "-t", f"={tmux}"], check=False).returncode == 0


def test_a_killed_add_gives_it_back_with_the_next_command(project: Project) -> None:
    place = _made(project)
    before, status = _content(place), project.git("status", "--porcelain", "--ignored", cwd=place)
    project.inv("session.add", "--worktree", str(place))
    file = project.main / ".tally-sessions"
    rows = json.loads(file.read_text())
    kept = next((project.main / ".git" / "tally-sessions" / "refreshed").glob("*/*"))
    rows["feature/mine"] |= {"state": "adding", "taken": str(kept)}  # as a kill at the last step leaves it
    file.write_text(json.dumps(rows))
    with (place / ".env").open("a") as text:
        text.write("NEW=typed since\n")

    said = project.inv("session.remove", "feature/mine").err

    edited = next(each for each in kept.parent.glob("*/.env") if each.parent != kept)
    assert "NEW=typed since" in edited.read_text()
    assert f".env is again as it was before the add. What it had until now is in {edited.parent}" in said
    assert not list(kept.parent.glob("*/notes.ignored"))

    assert _content(place) == before
    assert project.git("status", "--porcelain", "--ignored", cwd=place) == status
    assert project.git("rev-parse", "feature/mine")
    assert project.inv("session.list", "--json").json == []


def test_what_cannot_become_a_session_is_refused_with_what_to_do(project: Project, sandbox: Path) -> None:
    place = _made(project)
    foreign = sandbox / "dev" / "foreign"
    subprocess.run(["git", "init", "--quiet", str(foreign)], check=True)
    loose = project.top / "loose"
    project.git("worktree", "add", "--quiet", "--detach", str(loose))

    def refusal(*words: str) -> str:
        return project.inv("session.add", *words, code=1).err

    assert "is in the main checkout" in refusal("--worktree", ".") + refusal("--worktree", "backend")
    assert "Run: inv session.adopt NAME" in refusal("--worktree", "backend")
    assert f"{foreign} is not a worktree of {project.main}" in refusal("--worktree", str(foreign))
    assert "is not a directory" in refusal("--worktree", str(project.top / "none"))
    assert f"Run: git -C {loose} checkout -b NAME" in refusal("x", "--worktree", str(loose))
    assert "Run it without --pr." in refusal("x", "--worktree", str(place), "--pr", "1")
    assert "Leave out --branch" in refusal("x", "--worktree", str(place), "--branch", "y")
    plan = project.inv("session.add", "x", "--worktree", str(place), "--dry-run").out
    assert "feature/mine" in plan
    assert "OWN=secret" in (place / ".env").read_text() and not (place / "notes.ignored").exists()
    project.inv("session.add", "x", "--worktree", str(place))
    assert "is in the worktree of session x already" in refusal("y", "--worktree", str(place))
