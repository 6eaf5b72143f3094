"""A removal that was shown first takes what was shown, and nothing that has changed since then."""

import json
from pathlib import Path

import pytest

from testing import sessions
from testing.project import Project


@pytest.fixture
def quick(sandbox: Path) -> Project:
    """Return a repository with a session that is clean and one with unsaved work."""
    project = sessions.repository(sandbox / "dev" / "quick", {"a.txt": "one\n"})
    for name in ("clean", "dirty"):
        sessions.add(project, name)
    (project.worktree("dirty") / "new.txt").touch()
    return project


def _names(project: Project) -> list[str]:
    registry = project.main / ".tally-sessions"
    return sorted(json.loads(registry.read_text())) if registry.exists() else []


def _commit(project: Project, name: str) -> None:
    sessions.commit(project, project.worktree(name), {"b.txt": "more\n"})


def _begin_merge(project: Project, name: str) -> None:
    head = project.git("rev-parse", "HEAD")
    git_file = project.git("rev-parse", "--git-path", "MERGE_HEAD", cwd=project.worktree(name))
    Path(git_file).write_text(f"{head}\n")


def _touch(project: Project, name: str) -> None:
    (project.worktree(name) / "other.txt").touch()


@pytest.mark.parametrize("change", [_commit, _begin_merge, _touch])
def test_force_takes_only_the_losses_that_were_shown(quick: Project, sandbox: Path, change: object) -> None:
    assert callable(change)
    env = {"TALLY_SESSIONS_SHOWN": str(sandbox / "shown")}
    said = quick.inv("session.remove", "clean,dirty", "--dry-run", env=env, code=1)
    assert "new.txt" in said.err
    change(quick, "dirty")

    said = quick.inv("session.remove", "clean,dirty", "--force", env=env, code=1)

    assert "Session dirty has changed since its removal was shown, so it was kept." in said.err
    assert "Look again: inv session.remove dirty --dry-run" in said.err
    assert said.err.endswith("Not removed: dirty\n")
    assert _names(quick) == ["dirty"]
    env = {"TALLY_SESSIONS_SHOWN": str(sandbox / "shown again")}
    quick.inv("session.remove", "dirty", "--dry-run", env=env, code=1)
    quick.inv("session.remove", "dirty", "--force", env=env)
    assert _names(quick) == []


def test_what_a_dry_run_shows_replaces_no_file(quick: Project) -> None:
    for file in (quick.main / "a.txt", quick.main / ".tally-sessions", quick.main / ".git" / "config"):
        before = file.read_bytes()
        said = quick.inv("session.remove", "clean", "--dry-run", env={"TALLY_SESSIONS_SHOWN": str(file)}, code=1)
        assert f"{file} exists already." in said.err
        assert file.read_bytes() == before


def test_what_was_safe_and_what_was_not_shown_is_looked_at_again(quick: Project, sandbox: Path) -> None:
    env = {"TALLY_SESSIONS_SHOWN": str(sandbox / "shown")}
    quick.inv("session.remove", "clean", "--dry-run", env=env)
    quick.git("commit", "--quiet", "--allow-empty", "-m", "more")
    quick.git("merge", "--quiet", "--ff-only", "main", cwd=quick.worktree("clean"))  # other commits, still merged

    said = quick.inv("session.remove", "clean", env=env, code=1)
    assert "Session clean has changed since its removal was shown, so it was kept.\nLook again: " in said.err
    said = quick.inv("session.remove", "dirty", "--force", env=env, code=1)
    assert "Session dirty has changed" in said.err
    assert "untracked: new.txt" in said.err
    (sandbox / "shown").write_text("{")
    assert "has changed" in quick.inv("session.remove", "clean", env=env, code=1).err
    assert _names(quick) == ["clean", "dirty"]

    quick.inv("session.remove", "clean")  # who was shown nothing decides alone
    assert _names(quick) == ["dirty"]
