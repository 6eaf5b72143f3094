"""Two sessions side by side."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from testing import sessions
from testing.project import INV, Project, eventually


@pytest.fixture
def repository(sandbox: Path) -> Project:
    made = sessions.repository(sandbox / "dev" / "tally", {"a": "1\n2\n3\n", "b": "1\n", "image": "\0\0"})
    redis = sessions.add(made, "redis", {"a": "1\n2\nthree\n"}, variables={"CACHE": "redis"})
    sessions.commit(made, redis, {"new": "1\n2\n"})
    sessions.write(redis, {"untracked/x": "1\n"})
    sessions.commit(made, made.main, {"elsewhere": "by others\n"})
    memory = sessions.add(made, "memory", {"a": "1\n2\n3!\n", "image": "\0\1"}, variables={"CACHE": "memory"})
    made.git("mv", "b", "c", cwd=memory)
    return made


def test_what_each_changed_and_how_a_command_fares_in_it(repository: Project) -> None:
    command = 'echo out of $CACHE; test "$CACHE" = redis && grep -q three a'

    said = repository.inv("session.compare", "redis", "memory", "--run", command)
    found = repository.inv("session.compare", "redis", "memory", "--run", command, "--json").json

    first, second = found["sessions"]
    numbers = ("commits", "uncommitted", "files", "insertions", "deletions")
    assert [first[each] for each in numbers] == [2, 1, 3, 4, 1]
    assert [second[each] for each in numbers] == [1, 1, 3, 1, 1]  # a binary file has no lines, and a moved one none new
    assert (found["both"], found["conflicts"]) == (["a"], ["a"])
    assert (first["run"]["exit_code"], second["run"]["exit_code"]) == (0, 1)
    assert 0 < first["run"]["seconds"] < 60
    assert "changed in both: a\nconflicts: a\n" in said.out
    assert ["exit", "code", "0", "1"] in [line.split() for line in said.out.splitlines()]
    assert "out of redis\n" in said.err
    assert "out of" not in said.out


def test_what_cannot_be_compared_is_told(repository: Project) -> None:
    sessions.add(repository, "empty")
    sessions.add(repository, "same")
    broken = sessions.add(repository, "broken")
    subprocess.run(["rm", "-r", str(broken)], check=True)
    lone = sessions.add(repository, "lone")
    repository.git("checkout", "--quiet", "--orphan", "alone", cwd=lone)

    def refused(*names: str) -> str:
        return repository.inv("session.compare", *names, code=1).err

    assert repository.inv("session.compare", "empty", "same").out.endswith("Neither changed anything.\n")
    assert "Name two different sessions." in refused("redis", "redis")
    assert "The worktree of broken is gone." in refused("redis", "broken")
    assert 'No session "w".' in refused("redis", "w")
    assert "redis and lone have no commit in common here" in refused("redis", "lone")


def test_sessions_with_different_bases_are_measured_from_their_last_common_commit(repository: Project) -> None:
    sessions.add(repository, "above", {"d": "1\n"}, start="redis", base="redis")

    first, second = repository.inv("session.compare", "redis", "above", "--json").json["sessions"]

    assert (first["commits"], second["commits"], second["files"]) == (0, 1, 1)


def test_ending_compare_ends_what_it_runs(repository: Project, sandbox: Path) -> None:
    mark, asked = sandbox / "pid", sandbox / "asked"
    deaf = f'(trap "" TERM; sh -c "echo \\$PPID" > {mark}; while true; do sleep 1; done) &'
    command = f"trap 'touch {asked}; exit 1' TERM; {deaf} wait"
    running = subprocess.Popen(
        [sys.executable, INV, "session.compare", "redis", "memory", "--run", command],
        cwd=repository.main, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    eventually(lambda: mark.exists() and mark.read_text())

    running.send_signal(signal.SIGTERM)

    assert running.wait(20) == 128 + signal.SIGTERM
    assert asked.exists()
    eventually(lambda: not psutil.pid_exists(int(mark.read_text())))
