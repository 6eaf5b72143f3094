import json
import os
import time
from pathlib import Path

import pytest

from tasks.machine import unchanged

SIZE = 1 << 20


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Return the notes, a copy and its original, which was written long ago; what was noted is how they are."""
    notes, copy, original = tmp_path / "notes", tmp_path / "copy", tmp_path / "original"
    original.write_bytes(b"x" * SIZE)
    os.utime(original, (time.time() - 60, time.time() - 60))
    note = unchanged.noting(notes, original)
    copy.write_bytes(original.read_bytes())
    note(copy)
    return notes, copy, original


def test_a_large_copy_is_known_to_be_the_same_until_either_is_written(pair: tuple[Path, Path, Path]) -> None:
    notes, copy, original = pair
    assert unchanged.is_same(notes, copy, original)

    for written in (original, copy):
        before = written.stat().st_mtime_ns
        with written.open("r+b") as file:
            file.write(b"y")  # of the same size
        os.utime(written, ns=(before, before))  # the time that a person can set says nothing
        assert not unchanged.is_same(notes, copy, original)


def test_a_log_of_later_writes_beside_either_says_nothing(pair: tuple[Path, Path, Path]) -> None:
    notes, copy, original = pair
    for each in (copy, original):
        log = Path(f"{each}-wal")
        log.write_bytes(b"log")
        assert not unchanged.is_same(notes, copy, original)
        log.unlink()


def test_nothing_is_noted_of_an_original_that_changes_meanwhile_or_did_just_now_or_is_small(tmp_path: Path) -> None:
    notes, copy, original = tmp_path / "notes", tmp_path / "copy", tmp_path / "original"
    for content, age, later in ((b"x" * SIZE, 0, b""), (b"x" * SIZE, 60, b"more"), (b"small", 60, b"")):
        original.write_bytes(content)
        os.utime(original, (time.time() - age, time.time() - age))
        note = unchanged.noting(notes, original)
        copy.write_bytes(content)
        with original.open("ab") as file:
            file.write(later)
        note(copy)
        assert not notes.exists()


def test_damaged_notes_say_nothing(pair: tuple[Path, Path, Path]) -> None:
    notes, copy, original = pair
    for damage in ("", "[]", "{", json.dumps({str(copy): 7})):
        notes.write_text(damage)
        assert not unchanged.is_same(notes, copy, original)
