"""What the dashboard showed last: noted beside the locks, and taken for nothing where it isn't what we wrote."""

import json
from pathlib import Path

import pytest

from tasks.model import Repository
from tasks.store import host_cache, last_looks, ports, request_cache
from testing import sessions
from testing.project import Project

_LOOK = last_looks.LastLook("2026-01-01T00:00:00+00:00", 5.0, "waiting", -3.5, {"claude": "waiting", "git": "±1"})


@pytest.fixture
def quick(sandbox: Path) -> Project:
    """Return a repository with one session."""
    project = sessions.repository(sandbox / "dev" / "quick", {"a.txt": "one\n"})
    sessions.add(project, "auth")
    return project


def test_what_was_shown_is_known_again_and_goes_with_the_last_session(quick: Project) -> None:
    repository = Repository(quick.main, quick.main / ".git")
    assert last_looks.read_looks(repository) == {}

    last_looks.write_looks(repository, {"auth": _LOOK})

    assert last_looks.read_looks(repository) == {"auth": _LOOK}
    assert repository.looks_file.stat().st_mode & 0o777 == 0o600
    quick.inv("session.remove", "auth", "--force")
    assert not repository.looks_file.exists()


def test_what_somebody_else_wrote_is_taken_for_nothing(quick: Project) -> None:
    repository = Repository(quick.main, quick.main / ".git")
    last_looks.write_looks(repository, {"auth": _LOOK})
    good = json.loads(repository.looks_file.read_text())
    for wrong in (
        "", "{", "[]", json.dumps({**good, "version": 2}), json.dumps({"version": 1}),
        json.dumps({**good, "sessions": {"auth": {**good["sessions"]["auth"], "at": "now"}}}),
        json.dumps({**good, "sessions": {"auth": {**good["sessions"]["auth"], "cells": {"git": 3}}}}),
    ):  # fmt: skip
        repository.looks_file.write_text(wrong)
        assert last_looks.read_looks(repository) == {}, wrong
    repository.looks_file.write_bytes(b"\xff\0")
    assert last_looks.read_looks(repository) == {}


def test_where_it_cannot_be_written_nothing_is_noted(quick: Project) -> None:
    repository = Repository(quick.main, quick.main / ".git")
    repository.looks_file.mkdir(parents=True)

    last_looks.write_looks(repository, {"auth": _LOOK})

    assert last_looks.read_looks(repository) == {}


@pytest.mark.parametrize("name", ["dashboard.json", "pull-requests.json", "fleet.json"])
@pytest.mark.parametrize("leads_to", ["notes.txt", "itself", "nothing"])
def test_a_link_in_the_place_of_a_cache_is_replaced_and_never_followed(
    quick: Project, name: str, leads_to: str
) -> None:
    repository = Repository(quick.main, quick.main / ".git")
    (quick.main / "notes.txt").write_text("mine\n")
    link = repository.private / name
    link.parent.mkdir(mode=0o700, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(link if leads_to == "itself" else quick.main / leads_to)

    last_looks.write_looks(repository, {"auth": _LOOK})
    request_cache.note_begin(repository, request_cache.Cached(), 5.0)
    host_cache.note_silence(repository, {"box": "no answer"})

    assert (quick.main / "notes.txt").read_text() == "mine\n"
    assert not (quick.main / "nothing").exists()
    assert not link.is_symlink()
    assert link.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["dashboard.json", "pull-requests.json"])
def test_a_directory_in_the_place_of_a_cache_keeps_no_repository_on_the_list(quick: Project, name: str) -> None:
    repository = Repository(quick.main, quick.main / ".git")
    ports.join_machine(repository)
    (repository.private / name).mkdir(parents=True)

    removed = quick.inv("session.remove", "auth", "--force")

    assert "Couldn't remove" not in removed.err + removed.out
    assert ports.list_registries() == []
