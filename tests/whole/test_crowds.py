"""Several people, or agents, at once: in one repository and in several."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tasks.resources import worktree
from tasks.system import locks
from testing import sessions
from testing.project import Project, eventually, make


def _codes(project: Project, *commands: tuple[str, ...]) -> list[int]:
    with ThreadPoolExecutor(len(commands)) as pool:
        return sorted(result.code for result in pool.map(lambda each: project.inv(*each, code=None), commands))


def _lock(project: Project) -> Path:
    return project.main / ".git" / "tally-sessions" / "session-x.lock"


def _somebody_waits(lock: Path) -> bool:
    for process in psutil.Process().children(recursive=True):
        try:
            if any(file.path == str(lock) for file in process.open_files()):
                return True
        except psutil.Error:
            continue
    return False


def test_of_two_adds_of_one_name_one_wins(project: Project) -> None:
    codes = _codes(project, ("session.add", "x"), ("session.add", "x"))

    assert codes == [0, 1]
    assert project.worktree("x").is_dir()
    assert project.row("x")["state"] == "ready"
    assert project.listed("x")["status"] in ("running", "partial")


def test_of_two_adds_of_one_slug_one_wins(project: Project) -> None:
    codes = _codes(project, ("session.add", "a/b"), ("session.add", "a-b"))

    assert codes == [0, 1]
    assert len(project.inv("session.list", "--json").json) == 1


def test_of_two_removes_of_one_session_none_breaks_the_other(project: Project) -> None:
    before = project.world()
    project.inv("session.add", "x")

    codes = _codes(project, ("session.remove", "x"), ("session.remove", "x"))

    assert codes[0] == 0
    assert project.world() == before


def test_a_neighbour_may_go_while_a_session_is_removed(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = sessions.repository(sandbox / "dev" / "tally", {"a": "1\n"})
    for name in ("x", "neighbour"):
        sessions.add(project, name, tip=project.git("rev-parse", "main"))
    data, read = project.main / ".git" / "worktrees", Path.read_bytes

    def gone(path: Path) -> bytes:
        if path.is_relative_to(data / "tally-neighbour"):
            raise FileNotFoundError(2, "gone since it was listed", str(path))
        return read(path)

    def taken(_place: object, **_how: object) -> None:
        subprocess.run(["rm", "-rf", str(data)], check=True)

    monkeypatch.setattr(Path, "read_bytes", gone)
    monkeypatch.setattr("shutil.rmtree", taken)
    worktree.remove(next(each for each in sessions.all_of(project) if each.name == "x"))

    assert project.git("branch", "--list", "x") == ""


def test_adds_in_two_repositories_share_no_port(project: Project, sandbox: Path) -> None:
    other = make(sandbox / "dev2" / "points")
    asked = [(place, name) for name in ("a", "b", "c") for place in (project, other)]

    with ThreadPoolExecutor(len(asked)) as pool:
        added = list(pool.map(lambda each: each[0].inv("session.add", each[1], "--json").json, asked))

    ports = [port for each in added for port in each["ports"].values()]
    assert len(set(ports)) == len(ports) == 12
    for place in (project, other):
        rows = json.loads((place.main / ".tally-sessions").read_text())
        assert sorted(rows) == ["a", "b", "c"]
        assert all(row["state"] == "ready" for row in rows.values())


def test_adds_and_removes_at_once_leave_each_other_alone(project: Project) -> None:
    before = project.world()
    for name in ("a", "b"):
        project.inv("session.add", name)

    codes = _codes(project, ("session.remove", "a"), ("session.add", "c"), ("session.remove", "b"), ("session.resume",))

    assert codes[:3] == [0, 0, 0]
    assert [each["name"] for each in project.inv("session.list", "--json").json] == ["c"]
    project.inv("session.remove", "c")
    assert project.world() == before


def test_who_waits_to_remove_keeps_what_the_session_has_become(project: Project) -> None:
    project.inv("session.add", "x")
    file = project.main / ".tally-sessions"
    ready = file.read_text()
    file.write_text(ready.replace('"state": "ready"', '"state": "adding"'))
    with ThreadPoolExecutor(1) as pool:
        with locks.file_lock(_lock(project)):
            waiting = pool.submit(project.inv, "session.remove", "x", "--force")
            eventually(lambda: _somebody_waits(_lock(project)))
            (project.worktree("x") / "backend" / ".env").write_text("MINE=1\n")
            file.write_text(ready)
        said = waiting.result()

    assert "backend/.env" in said.out


@pytest.mark.slow
def test_doctor_leaves_what_is_going_on_to_who_is_at_it(project: Project) -> None:
    project.inv("session.add", "x")
    file = project.main / ".tally-sessions"
    ready = file.read_text()
    begun = project.main / ".git" / "tally-sessions" / "removed" / "x" / "20260101T000000.000000"
    begun.mkdir(parents=True)

    with locks.file_lock(_lock(project)):
        assert "a deletion didn't finish" not in project.inv("session.doctor", code=None).out
        for state in ("adding", "removing"):
            file.write_text(ready.replace('"state": "ready"', f'"state": "{state}"'))
            project.inv("session.doctor", "--fix", code=None)
    assert project.worktree("x").is_dir() and begun.is_dir()

    file.write_text(ready)
    assert "a deletion didn't finish" in project.inv("session.doctor", code=1).out
    project.inv("session.doctor", "--fix")
    assert project.worktree("x").is_dir() and not begun.exists()
