"""Several people, or agents, at once: in one repository and in several."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.project import Project, make


def _codes(project: Project, *commands: tuple[str, ...]) -> list[int]:
    with ThreadPoolExecutor(len(commands)) as pool:
        return sorted(result.code for result in pool.map(lambda each: project.inv(*each, code=None), commands))


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
