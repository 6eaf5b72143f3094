"""The tracer itself: it numbers what changes the world, in every process, and what it kills has not happened."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from testing import tracer
from testing.project import eventually

_CHANGES = """import os
os.mkdir("made")
with open("made/file", "w") as file:
    file.write("text")
os.mkdir("elsewhere") if not os.path.exists("made") else None
open("made/file").close()
os.rename("made/file", "made/renamed")
os.symlink("renamed", "made/link")
os.link("made/renamed", "made/hard")
os.chmod("made/hard", 0o600)
os.unlink("made/link")
"""
_NAMES = ["execve", "mkdir", "open", "write", "rename", "symlink", "link", "chmod", "unlink"]


@pytest.fixture(autouse=True)
def _traceable() -> None:
    if why := tracer.missing():
        pytest.skip(f"no kills: {why}")


def _trace(place: Path, number: int, who: str, *argv: str, after: str = "") -> tuple[int, list[list[str]]]:
    place.mkdir(exist_ok=True)
    log = place.parent / "calls"
    words = [sys.executable, tracer.PROGRAM, str(log), str(number), after, who, str(place)]
    done = subprocess.run([*words, *argv], cwd=place, check=False)
    return done.returncode, [line.split("\t") for line in log.read_text().splitlines()]


def _names(calls: list[list[str]]) -> list[str]:
    return [call[2].removesuffix("at") for call in calls if call[0] != "left"]


def test_what_changes_the_world_is_numbered_and_what_is_killed_has_not_happened(sandbox: Path) -> None:
    command = (sys.executable, "-I", "-S", "-c", _CHANGES)
    code, calls = _trace(sandbox / "whole", 0, "alone", *command)
    assert (code, _names(calls)) == (0, _NAMES)

    seen = []
    for number in range(2, len(_NAMES) + 1):
        place = sandbox / str(number)
        code, calls = _trace(place, number, "alone", *command)
        assert (code, _names(calls)) == (137, _NAMES[:number])
        seen.append(sorted(str(path.relative_to(place)) for path in place.rglob("*")))

    assert seen == [
        [], ["made"], ["made", "made/file"], ["made", "made/file"], ["made", "made/renamed"],
        ["made", "made/link", "made/renamed"], ["made", "made/hard", "made/link", "made/renamed"],
        ["made", "made/hard", "made/link", "made/renamed"],
    ]  # fmt: skip


@pytest.mark.parametrize(("number", "after"), [(3, ""), (0, "open"), (1, "mkdir"), (0, "/made/file")])
def test_a_call_is_found_by_its_number_or_by_its_name_and_path(sandbox: Path, number: int, after: str) -> None:
    command = (sys.executable, "-I", "-S", "-c", _CHANGES)

    code, calls = _trace(sandbox / "place", number, "alone", *command, after=after)

    assert (code, _names(calls)[-1]) == (137, "open")


@pytest.mark.parametrize("who", ["alone", "all"])
def test_of_a_kill_in_a_child_only_all_ends_the_child_too(sandbox: Path, who: str) -> None:
    place = sandbox / "place"
    command = (sys.executable, "-I", "-S", "-c", "import os; os.system('setsid mkdir a; mkdir b')")

    code, calls = _trace(place, 3, who, *command)

    assert (code, _names(calls)[:3]) == (137, ["execve", "execve", "execve"])  # the child goes on after an "alone"
    if who == "alone":
        eventually((place / "b").is_dir)
    assert (place / "a").is_dir() == (place / "b").is_dir() == (who == "alone")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_a_tracer_that_has_to_end(sandbox: Path, number: int) -> None:
    log = sandbox / "calls"
    words = [sys.executable, tracer.PROGRAM, str(log), "0", "", "alone", str(sandbox)]
    program = (
        "import subprocess, time; subprocess.Popen(['sleep', '1000'], start_new_session=True);"
        "open('file', 'w').write('text'); time.sleep(1000)"
    )
    log.touch()
    running = subprocess.Popen([*words, sys.executable, "-I", "-S", "-c", program], cwd=sandbox)
    eventually(lambda: "\twrite\t" in log.read_text())
    started = psutil.Process(running.pid).children(recursive=True)

    started[0].send_signal(number)

    assert len(started) == 3
    assert running.wait(20) == (124 if number == signal.SIGTERM else 127)
    assert psutil.wait_procs(started[1:], 20)[1] == []
    if number == signal.SIGTERM:
        said = log.read_text().splitlines()[-1].split("\t")
        assert said[0] == "overdue"
        assert [each for each in said if each.endswith(": sleep 1000 ")] != []


@pytest.mark.skipif(not tracer.FAILS, reason="no errors: registers are known of x86-64 only")
def test_a_call_fails_instead_of_being_executed(sandbox: Path) -> None:
    command = (
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import os\ntry: os.mkdir('a')\nexcept OSError as e: os.mkdir(e.strerror)",
    )

    code, calls = _trace(sandbox / "place", 2, "ENOSPC", *command)

    assert (code, _names(calls)) == (0, ["execve", "mkdir", "mkdir"])
    assert [path.name for path in (sandbox / "place").iterdir()] == ["No space left on device"]
