"""Locks: one holder at a time, none that outlives its process, no file left."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tasks.errors import SessionError
from tasks.system import locks
from testing.project import CHECKOUT, eventually

_HOLD = """
import sys, pathlib, time
from tasks.system import locks
with locks.file_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
    pathlib.Path(sys.argv[1] + ".ended").touch()
"""
_COUNT = """
import sys, pathlib
from tasks.system import locks
counter = pathlib.Path(sys.argv[2])
for _ in range(60):
    with locks.file_lock(pathlib.Path(sys.argv[1])):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


class Holder:
    """Another process that holds the lock *path*."""

    def __init__(self, path: Path) -> None:
        argv = [sys.executable, "-c", _HOLD, str(path)]
        self.process = subprocess.Popen(
            argv, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def end(self) -> None:
        self.process.communicate("\n", timeout=20)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=20)


def test_an_attempt_does_not_wait_and_holds_until_it_is_left(sandbox: Path) -> None:
    path = sandbox / "new" / "a.lock"
    holder = Holder(path)

    with ExitStack() as until:
        assert not locks.try_file_lock(path, until)
    assert path.exists()
    holder.end()
    with ExitStack() as until, ExitStack() as another:
        assert locks.try_file_lock(path, until)
        assert not locks.try_file_lock(path, another)

    assert list(path.parent.iterdir()) == [Path(f"{path}.ended")]


def test_the_file_exists_only_while_it_is_held_and_names_its_holder(sandbox: Path) -> None:
    path = sandbox / "new" / "a.lock"

    with locks.file_lock(path):
        assert path.read_text() == str(os.getpid())

    assert list(path.parent.iterdir()) == []


def test_a_failure_inside_frees_it(sandbox: Path) -> None:
    with pytest.raises(ZeroDivisionError), locks.file_lock(sandbox / "a.lock"):
        raise ZeroDivisionError

    assert not (sandbox / "a.lock").exists()


def test_a_second_process_waits_until_the_first_ends(sandbox: Path) -> None:
    path = sandbox / "a.lock"
    holder = Holder(path)
    timer = threading.Timer(0.4, holder.end)
    timer.start()

    with locks.file_lock(path):
        assert Path(f"{path}.ended").exists()

    timer.join()


def test_different_locks_do_not_wait_for_each_other(sandbox: Path) -> None:
    holder = Holder(sandbox / "a.lock")

    with locks.file_lock(sandbox / "b.lock"):
        assert (sandbox / "a.lock").exists()

    holder.end()


def test_a_holder_that_was_killed_blocks_nobody(sandbox: Path) -> None:
    holder = Holder(sandbox / "a.lock")
    holder.kill()
    assert (sandbox / "a.lock").exists()
    started = time.monotonic()

    with locks.file_lock(sandbox / "a.lock"):
        assert time.monotonic() - started < 1

    assert not (sandbox / "a.lock").exists()


def test_only_one_of_many_is_inside(sandbox: Path) -> None:
    (sandbox / "counter").write_text("0")
    argv = [sys.executable, "-c", _COUNT, str(sandbox / "a.lock"), str(sandbox / "counter")]
    processes = [subprocess.Popen(argv, cwd=CHECKOUT) for _ in range(6)]

    codes = [process.wait(60) for process in processes]

    assert codes == [0] * 6
    assert (sandbox / "counter").read_text() == "360"
    assert not (sandbox / "a.lock").exists()


def test_the_holder_is_named_once_after_a_while(
    sandbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(locks, "_NOTICE_AFTER", 0.1)
    holder = Holder(sandbox / "a.lock")
    timer = threading.Timer(0.6, holder.end)
    timer.start()

    with locks.file_lock(sandbox / "a.lock"):
        pass

    timer.join()
    said = capsys.readouterr()
    assert said.err.count(f"Waiting for process {holder.process.pid}, which holds {sandbox}/a.lock") == 1
    assert said.out == ""


def test_it_is_given_up_after_a_while(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_GIVE_UP_AFTER", 0.2)
    holder = Holder(sandbox / "a.lock")

    with (
        pytest.raises(SessionError, match=rf"^Process {holder.process.pid} holds .*\n.* kill {holder.process.pid}$"),
        locks.file_lock(sandbox / "a.lock"),
    ):
        pass

    assert (sandbox / "a.lock").exists()
    holder.end()


def test_a_longer_number_that_a_killed_holder_left_is_replaced(sandbox: Path) -> None:
    (sandbox / "a.lock").write_text("99999999999")

    with locks.file_lock(sandbox / "a.lock"):
        assert (sandbox / "a.lock").read_text() == str(os.getpid())


def test_nobody_waits_for_a_file_that_was_replaced(sandbox: Path) -> None:
    path = sandbox / "a.lock"
    first = Holder(path)
    path.unlink()
    second = Holder(path)
    first.end()

    eventually(lambda: not path.exists())
    second.end()
