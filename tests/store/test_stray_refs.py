"""Refs of ours that outlived their session and its archive: found, told by doctor, deleted by prune."""

from pathlib import Path

import pytest

from tasks.model import Repository
from tasks.store import archive, stray_refs
from testing import sessions
from testing.project import Project

_OLD, _NEW = "20200101T000000.000000", "29990101T000000.000000"


@pytest.fixture
def project(sandbox: Path) -> Project:
    return sessions.repository(sandbox / "tally", {"a": "1\n"})


def test_a_ref_is_stray_when_neither_its_session_nor_an_archive_is_left(project: Project) -> None:
    repository = Repository(project.main, project.main / ".git")
    sessions.add(project, "x")
    (archive.archives_directory(repository) / "removed" / _OLD).mkdir(parents=True)
    (archive.archives_directory(repository) / "removed" / _OLD / "row.json").write_text("{}")
    for kind, slug, time in (
        ("kept", "gone", _OLD), ("kept", "gone", _NEW), ("kept", "x", _OLD), ("kept", "removed", _OLD),
        ("removed", "gone", _OLD), ("removed", "removed", _OLD), ("adopted", "gone", _OLD),
    ):  # fmt: skip
        project.git("update-ref", f"refs/tally/{kind}/{slug}/{time}", "HEAD")

    stray = [f"refs/tally/kept/gone/{_OLD}", f"refs/tally/removed/gone/{_OLD}"]
    assert stray_refs.list_stray_refs(repository, 30) == stray
    assert stray_refs.list_stray_refs(repository, 1_000_000) == []


def test_doctor_tells_of_it_and_prune_deletes_it(project: Project) -> None:
    reference = f"refs/tally/kept/gone/{_OLD}"
    project.git("update-ref", reference, "HEAD")

    assert f"{reference} belongs to no session" in project.inv("session.doctor", code=1).out
    assert reference in project.inv("session.prune").out
    assert project.git("for-each-ref", "refs/tally") == ""
