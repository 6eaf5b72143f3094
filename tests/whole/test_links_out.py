"""A directory of a worktree that became a link: nothing that it leads to is changed, removed or taken along."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from testing import dirty
from testing.project import Project


@pytest.fixture
def added(project: Project) -> Project:
    """Return the project with the session x, in which nothing runs."""
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")
    return project


def contents(top: Path) -> dict[str, str]:
    """Return every file and link below *top* but git's own data."""
    found = {}
    for place, directories, files in os.walk(top):
        directories[:] = [name for name in directories if name not in (".git", "tasks")]
        for path in (Path(place, name) for name in (*files, *directories)):
            if path.is_symlink():
                found[str(path.relative_to(top))] = f"-> {os.readlink(path)}"
            elif path.is_file():
                found[str(path.relative_to(top))] = path.read_bytes().hex()
    return {path: content for path, content in found.items() if not path.startswith(".tally-sessions")}


def replaced(project: Project, to: Path) -> Path:
    """Make frontend in the session's worktree a link to *to*, and return it."""
    place = project.worktree("x") / "frontend"
    shutil.rmtree(place)
    place.symlink_to(to)
    return place


def test_removal_and_restore_leave_the_main_checkout_behind_a_link_alone(added: Project) -> None:
    place = replaced(added, added.main / "frontend")
    (added.main / "frontend" / "dev.js").write_text("uncommitted\n")
    (added.main / "frontend" / "server.py").write_text("changed\n")
    before = contents(added.main)

    removed = added.inv("session.remove", "x", "--force")
    assert contents(added.main) == before
    assert "frontend/.env" not in removed.out, "it was behind the link, and stayed"
    (added.main / "frontend" / "dev.js").write_text("newer\n")
    before = contents(added.main)
    restored = added.inv("session.restore", "x")
    assert "copy" not in restored.err, "nothing is copied: what was removed is moved back"

    assert contents(added.main) == before
    assert os.readlink(place) == str(added.main / "frontend")


def _old_archive(project: Project) -> dict[str, Any]:
    """Remove x, and make its archive one as earlier versions made it of a link; return its facts."""
    archive = dirty.old_archive(project)
    facts: dict[str, Any] = json.loads((archive / "row.json").read_text())
    facts["raw"] = sorted({*facts.get("raw", []), "frontend", "frontend/dev.js", "frontend/server.py"})
    facts["files"] = sorted({*facts.get("files", []), "frontend/.env"})
    (archive / "files" / "frontend").mkdir(parents=True, exist_ok=True)
    (archive / "files" / "frontend" / ".env").write_text("OLD=1\n")
    (archive / "row.json").write_text(json.dumps(facts))
    return facts


def test_an_archive_that_an_earlier_version_made_of_a_link_is_restored(added: Project) -> None:
    other = added.top / "other"
    other.mkdir()
    place = replaced(added, other)
    for name in ("dev.js", "server.py", ".env"):
        (other / name).write_text("precious")
    _old_archive(added)

    said = added.inv("session.restore", "x")

    assert {path.name: path.read_text() for path in other.iterdir()} == dict.fromkeys(
        ("dev.js", "server.py", ".env"), "precious"
    )
    assert os.readlink(place) == str(other)
    assert "frontend/.env was not restored" in said.err
    [archive] = dirty.archives(added)
    assert (archive / "files" / "frontend" / ".env").read_text() == "OLD=1\n"


def test_a_committed_link_to_another_project_brings_nothing_back_there(project: Project) -> None:
    other = project.top / "other"
    other.mkdir()
    (other / ".env").write_text("OTHER=1\n")
    project.configure("session: {windows: [], copy: [backend/.env], env: {backend/.env: {A: b}}}\n")
    project.inv("session.add", "x")
    worktree = project.worktree("x")
    shutil.rmtree(worktree / "backend")
    (worktree / "backend").symlink_to("../other")
    project.git("add", "--all", cwd=worktree)
    project.git("commit", "--quiet", "-m", "link", cwd=worktree)
    project.inv("session.resume", "x")

    project.inv("session.remove", "x", "--force")
    (other / ".env").unlink()  # an archive may have the old one by a second name
    (other / ".env").write_text("OTHER=2\n")
    project.inv("session.restore", "x")

    assert (other / ".env").read_text() == "OTHER=2\n"
    assert os.listdir(other) == [".env"]


def test_a_link_of_the_main_checkout_stays_when_the_session_leads_there(added: Project) -> None:
    modules = added.main / "frontend" / "node_modules"
    modules.rename(added.top / "modules")
    modules.symlink_to(added.top / "modules")
    replaced(added, added.main / "frontend")

    added.inv("session.remove", "x", "--force")

    assert modules.is_symlink()


def test_a_directory_that_was_renamed_and_linked_is_removed_and_restored(added: Project) -> None:
    worktree = added.worktree("x")
    (worktree / "backend" / "mine").write_text("own")
    (worktree / "backend").rename(worktree / "backend2")
    (worktree / "backend").symlink_to("backend2")

    dirty.there_and_back(added)

    assert os.readlink(worktree / "backend") == "backend2"
    assert (worktree / "backend2" / "mine").read_text() == "own"
    assert (worktree / "backend2" / ".env").exists()


@pytest.mark.parametrize("link", ["server", "{main}/server"])
def test_a_link_within_the_main_checkout_is_followed_as_ever(project: Project, link: str) -> None:
    (project.main / "backend").rename(project.main / "server")
    (project.main / "backend").symlink_to("server")
    project.git("add", "--all")
    project.configure("session: {windows: [], copy: [backend/.env], env: {backend/.env: {A: b}}}\n")

    project.inv("session.add", "x")

    assert "A=b" in (project.worktree("x") / "server" / ".env").read_text()


_KEYS = {"files": list, "same": list, "empty": list, "raw": list, "hidden": dict}


@pytest.mark.parametrize("key", _KEYS)
def test_a_tampered_archive_changes_nothing(added: Project, key: str) -> None:
    other = added.top / "other"
    other.mkdir()
    (other / "file").write_text("precious")
    (added.worktree("x") / "mine").write_text("1")
    archive = dirty.old_archive(added)
    row = archive / "row.json"
    facts = json.loads(row.read_text())
    for path in ("../other/file", f"{other}/file", "frontend/../../other/file", ".git/hooks/x", ""):
        value = {path: "--skip-worktree"} if _KEYS[key] is dict else [path]
        row.write_text(json.dumps({**facts, key: value}))

        said = added.inv("session.restore", "x", code=1)

        assert "Skipped a damaged archive" in said.err, path
        assert (other / "file").read_text() == "precious", path
        assert os.listdir(other) == ["file"], path
        assert not added.worktree("x").exists(), path


@pytest.mark.parametrize(
    ("key", "value"), [("branch_config", [["core.hooksPath", "/evil"]]), ("held", "--output=evil"), ("tip", "-d")]
)
def test_a_tampered_archive_gives_git_no_option_and_no_setting(added: Project, key: str, value: object) -> None:
    added.inv("session.remove", "x")
    (archive,) = dirty.archives(added)
    facts = json.loads((archive / "row.json").read_text())
    (archive / "row.json").write_text(json.dumps({**facts, key: value}))

    said = added.inv("session.restore", "x", code=1)

    assert f"{archive}/row.json: {key}" in said.err
    assert "evil" not in added.git("config", "--list")


def test_the_exclude_file_is_not_written_through_a_link_that_leads_out(project: Project) -> None:
    shared = project.top / "shared"
    shared.mkdir()
    (shared / "exclude").write_text("mine\n")
    shutil.rmtree(project.main / ".git" / "info")
    (project.main / ".git" / "info").symlink_to(shared)
    project.configure("session: {windows: []}\n")

    said = project.inv("session.add", "x")
    project.inv("session.remove", "x")

    assert (shared / "exclude").read_text() == "mine\n"
    assert os.listdir(shared) == ["exclude"]
    assert "Git may show files of sessions as untracked" in said.err


def test_a_work_log_is_not_written_through_a_link_that_leads_out(project: Project) -> None:
    (project.top / "notes.md").write_text("mine\n")
    (project.main / "LOG.md").symlink_to("../notes.md")
    project.configure("session: {windows: [], work_log: {file: LOG.md}}\n")

    said = project.inv("session.add", "x")
    project.inv("session.remove", "x")

    assert (project.top / "notes.md").read_text() == "mine\n"
    assert "LOG.md was not changed" in said.err
