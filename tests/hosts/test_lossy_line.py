"""A session over a line that loses packets: it takes longer, and nothing is lost or doubled."""

import hashlib
import os
import sys

import pytest

from testing import lossy_packets, origin
from testing.hosts import Fleet
from testing.project import Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")

_SHARE = 0.05  # of the packets: five times of what the worst lines lose


@pytest.mark.slow  # what it does is done over whole lines in test_fleet.py
@pytest.mark.skipif(not lossy_packets.can(), reason="only root on Linux, with /dev/net/tun, can make such a line")
def test_a_session_is_added_worked_in_pulled_and_moved_over_a_line_that_loses_packets(apart: Fleet) -> None:
    with lossy_packets.PacketLine(apart.alpha.space, apart.alpha.address, _SHARE, 0.04) as line:
        _work_over(line, apart)


def _work_over(line: lossy_packets.PacketLine, apart: Fleet) -> None:
    here, alpha = apart.here, apart.alpha
    here.configure("session: {windows: []}\n")
    here.inv("fleet.add", "x", "--host", "alpha", "--bare")
    there = alpha.main.with_name("tally-x")
    numbers = "\n".join(str(number) for number in range(20_000))
    (there / "numbers").write_text(numbers + "\n")

    shown = here.inv("fleet.show", "x", "--json").json
    assert shown["name"] == "x" and shown["dirty"]
    assert here.inv("fleet.run", "x", "echo once >> ran; cat numbers").out == numbers + "\n"
    assert (there / "ran").read_text() == "once\n", "a command runs once"
    big = os.urandom(600_000)
    (there / "big").write_bytes(big)
    (there / "ran").unlink()
    commits = [origin.commit(Project(alpha.main), there, f"file{number}", "work\n") for number in range(3)]
    here.inv("fleet.pull", "x")
    assert here.git("rev-parse", "x") == commits[-1]
    assert here.git("rev-list", "--count", "main..x") == "3"
    here.git("fsck", "--strict", "--no-dangling")

    here.inv("fleet.move", "x", "--host", "here")
    assert hashlib.sha256((here.worktree("x") / "big").read_bytes()).digest() == hashlib.sha256(big).digest()
    assert (here.worktree("x") / "numbers").read_text() == numbers + "\n"
    listed = here.inv("fleet.list", "--json").json
    assert [each["host"] for each in listed if each.get("name") == "x"] == ["here"]
    assert line.lost > 5, f"of {line.carried} packets"
