"""A file is replaced whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from tasks.system import files


def names_in(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


@pytest.fixture
def place(sandbox: Path) -> Path:
    (sandbox / "place").mkdir()
    return sandbox / "place"


def test_a_new_file_has_the_text_and_the_mode_that_was_asked_for(place: Path) -> None:
    files.write_whole(place / "file", "é\n", mode=0o600)

    assert (place / "file").read_bytes() == "é\n".encode()
    assert stat.S_IMODE((place / "file").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o664])
def test_an_existing_file_keeps_its_mode(place: Path, mode: int) -> None:
    (place / "file").write_text("old")
    (place / "file").chmod(mode)

    files.write_whole(place / "file", "new", mode=0o777)

    assert (place / "file").read_text() == "new"
    assert stat.S_IMODE((place / "file").stat().st_mode) == mode


def test_a_symlink_stays_and_its_target_is_written(place: Path) -> None:
    (place / "real").mkdir()
    (place / "real" / "file").write_text("old")
    (place / "link").symlink_to("real/file")

    files.write_whole(place / "link", "new")

    assert (place / "link").readlink() == Path("real/file")
    assert (place / "real" / "file").read_text() == "new"
    assert names_in(place / "real") == ["file"]


def test_a_link_to_nothing_gets_its_target(place: Path) -> None:
    (place / "link").symlink_to("file")

    files.write_whole(place / "link", "new")

    assert (place / "link").is_symlink()
    assert (place / "file").read_text() == "new"


def test_a_reader_keeps_the_file_that_it_opened(place: Path) -> None:
    (place / "file").write_text("old")

    with (place / "file").open() as reader:
        files.write_whole(place / "file", "new")

        assert reader.read() == "old"


@pytest.mark.parametrize("call", ["fsync", "fchmod", "replace"])
def test_a_failure_keeps_the_old_content_and_leaves_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    (place / "file").write_text("old")

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match=r"No space.*: '/"):
        files.write_whole(place / "file", "new")
    monkeypatch.undo()

    assert (place / "file").read_text() == "old"
    assert names_in(place) == ["file"]


def test_an_interruption_leaves_nothing(place: Path) -> None:
    with pytest.raises(KeyboardInterrupt), files.replaced_file(place / "file") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt

    assert names_in(place) == []


def test_the_temporary_file_was_never_readable_by_others(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []

    def spy(descriptor: int) -> None:
        modes.append([stat.S_IMODE(entry.stat().st_mode) & 0o077 for entry in place.iterdir()])

    monkeypatch.setattr(os, "fsync", spy)

    files.write_whole(place / "file", "secret", mode=0o600)

    assert modes == [[0]]


def test_the_owner_is_kept_where_that_is_allowed(place: Path) -> None:
    if os.geteuid():
        pytest.skip("only root may give a file away")
    (place / "file").write_text("old")
    os.chown(place / "file", 12345, 12345)

    files.write_whole(place / "file", "new")

    assert ((place / "file").stat().st_uid, (place / "file").stat().st_gid) == (12345, 12345)
