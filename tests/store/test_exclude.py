"""Our part of `.git/info/exclude`, and nobody else's."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tasks.model import Repository
from tasks.store import exclude


@pytest.fixture
def repository(sandbox: Path) -> Repository:
    subprocess.run(["git", "init", "--quiet", str(sandbox / "main")], check=True)
    return Repository(sandbox / "main", sandbox / "main" / ".git")


def register(repository: Repository, **links: Any) -> None:
    rows: dict[str, Any] = {name: {"worktree": "/w", "branch": name, "link": link} for name, link in links.items()}
    (repository.main / ".tally-sessions").write_text(json.dumps(rows))


def file(repository: Repository) -> Path:
    return repository.common / "info" / "exclude"


def ours(repository: Repository) -> list[str]:
    lines = file(repository).read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_it_names_the_registry_and_each_link_once(repository: Repository) -> None:
    register(repository, a=["frontend/node_modules"], b=["frontend/node_modules", "data"], damaged=5)

    exclude.refresh_exclude(repository)

    assert ours(repository) == ["/.tally-sessions", "/data", "/frontend/node_modules"]


def test_git_ignores_what_it_names_even_as_a_link(repository: Repository) -> None:
    register(repository, a=["frontend/node_modules"])
    (repository.main / "frontend").mkdir()
    (repository.main / "frontend" / "node_modules").symlink_to("/")

    exclude.refresh_exclude(repository)

    argv = ["git", "-C", str(repository.main), "status", "--porcelain", "--untracked-files=all"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == ""


def test_a_second_refresh_does_not_touch_the_file(repository: Repository) -> None:
    register(repository, a=["x"])
    exclude.refresh_exclude(repository)
    before = file(repository).stat()

    exclude.refresh_exclude(repository)

    assert (file(repository).stat().st_mtime_ns, file(repository).stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_the_session_that_goes_takes_only_its_own_links(repository: Repository) -> None:
    register(repository, a=["x", "shared"], b=["shared"])
    exclude.refresh_exclude(repository)

    exclude.refresh_exclude(repository, without="a")

    assert ours(repository) == ["/.tally-sessions", "/shared"]


@pytest.mark.parametrize("before", ["# theirs\n*.log\n", "*.log\n\n\n", "no newline at the end\n"])
def test_with_the_last_session_the_file_is_as_it_was(repository: Repository, before: str) -> None:
    file(repository).write_text(before)
    register(repository, a=["x"])
    exclude.refresh_exclude(repository)
    assert file(repository).read_text() != before

    exclude.refresh_exclude(repository, without="a")

    assert file(repository).read_text() == before


def test_lines_before_and_after_our_part_are_kept(repository: Repository) -> None:
    register(repository, a=["x"])
    file(repository).write_text("before")
    exclude.refresh_exclude(repository)
    with file(repository).open("a") as opened:
        opened.write("after\n")
    register(repository, a=["y"])

    exclude.refresh_exclude(repository)

    text = file(repository).read_text()
    assert text.startswith("before\n# tally-sessions: begin")
    assert text.endswith("# tally-sessions: end\nafter\n")
    assert ours(repository) == ["before", "/.tally-sessions", "/y", "after"]


def test_a_repository_without_info_gets_it(repository: Repository) -> None:
    file(repository).unlink()
    file(repository).parent.rmdir()
    register(repository, a=["x"])

    exclude.refresh_exclude(repository)

    assert "/x" in ours(repository)


def test_a_file_that_was_not_there_goes_with_the_last_session(repository: Repository) -> None:
    file(repository).unlink()
    file(repository).parent.rmdir()
    register(repository, a=["x"])
    exclude.refresh_exclude(repository)

    exclude.refresh_exclude(repository, without="a")

    assert not file(repository).parent.exists()


def test_without_sessions_nothing_is_made(repository: Repository) -> None:
    file(repository).unlink()

    exclude.refresh_exclude(repository)

    assert not file(repository).exists()


def test_bytes_that_are_no_utf_8_are_kept(repository: Repository) -> None:
    file(repository).write_bytes(b"caf\xe9\n")
    register(repository, a=["x"])

    exclude.refresh_exclude(repository)

    assert file(repository).read_bytes().startswith(b"caf\xe9\n")


def test_lines_after_a_part_that_lost_its_end_mark_are_kept(repository: Repository) -> None:
    register(repository, a=["x"])
    exclude.refresh_exclude(repository)
    text = file(repository).read_text()
    file(repository).write_text(text.replace("# tally-sessions: end\n", "") + "theirs\n")

    exclude.refresh_exclude(repository)

    assert "theirs" in file(repository).read_text().splitlines()


def test_a_link_whose_name_is_a_pattern_excludes_only_itself(repository: Repository) -> None:
    register(repository, a=["app/[id]"])
    exclude.refresh_exclude(repository)
    (repository.main / "app").mkdir()
    for name in ("[id]", "i"):
        (repository.main / "app" / name).write_text("x")

    argv = ["git", "-C", str(repository.main), "check-ignore", "app/[id]", "app/i"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines() == ["app/[id]"]
