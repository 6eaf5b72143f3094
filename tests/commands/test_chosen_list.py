"""`session.list` sorted, filtered, with chosen columns, for scripts, and of every repository of the machine."""

import json
import re
from pathlib import Path

from tasks.views import chosen_columns
from testing import sessions
from testing.answers import check_answer
from testing.project import Project, make


def _names(project: Project, *flags: str) -> list[str]:
    return project.inv("session.list", "--format", "name", "--plain", *flags).out.split()


def test_what_needs_a_person_is_first_or_alone(project: Project) -> None:
    project.configure("session: {windows: [{name: claude, claude: true}]}\n")
    for name in ("a", "m", "z"):
        project.inv("session.add", name)
    project.inv("session.send", "a", "work")
    project.inv("session.send", "z", "ask me")
    project.inv("session.wait", "a", "--until", "working")
    project.inv("session.wait", "z", code=3)
    project.inv("session.wait", "m")

    assert _names(project, "--sort") == ["z", "a", "m"]
    assert _names(project, "--sort", "attention", "--waiting") == ["z"]
    assert _names(project, "--sort=name") == ["a", "m", "z"]
    waiting = project.inv("session.list", "--waiting", "--json").json
    check_answer(waiting, "session.list")
    assert [each["name"] for each in waiting] == ["z"]
    assert [each["name"] for each in project.inv("session.list", "--json").json] == ["a", "m", "z"]
    assert project.inv("session.list", "--waiting").out.splitlines()[2].startswith("z ")

    project.inv("session.stop", "z")
    nobody = project.inv("session.list", "--waiting")
    assert (nobody.out, "No session waits for you." in nobody.err) == ("", True)
    assert project.inv("session.list", "--waiting", "--json").json == []


def test_columns_are_those_that_were_chosen(sandbox: Path) -> None:
    project = sessions.repository(sandbox / "it", {"x": "1\n"})
    tree = sessions.add(project, "a", ports={"web_port": 8123, "db_port": 5123}, component="server")
    (tree / "odd\tname").touch()

    sessions.add(project, "b", created="2026-02-01T00:00:00+00:00")
    assert project.inv("session.list", "--sort", "age", "--format=name", "--plain").out == "b\na\n"
    project.inv("session.remove", "b")
    table = project.inv("session.list", "--format", "name, Git,urls,worktree,component,base,attention").out.splitlines()
    plain = project.inv("session.list", "--plain").out

    assert table[0].split() == ["name", "git", "urls", "worktree", "component", "base", "attention"]
    cells = ["a", "1 changed", "http://localhost:8123, localhost:5123", str(tree), "server", "main", "stopped"]
    assert re.split(" {2,}", table[2]) == cells
    assert plain.split("\t")[:4] == ["a", "8123 off, 5123 off", "stopped", "1 changed"]
    assert plain.count("\n") == 1
    for flags, message in (
        (("--format", "nme"), '--format: There is no column "nme". Did you mean "name"?\nColumns: name, branch, '),
        (("--format", ","), "--format needs columns, separated by commas.\nColumns: "),
        (("--sort", "size"), '--sort: There is no order "size".\nOrders: attention, name, age'),
        (("--removed", "--plain"), "Of the other options --removed takes only --json."),
    ):
        assert project.inv("session.list", *flags, code=1).err.startswith(message)


def test_chosen_columns_are_cut_to_the_width_of_the_terminal_and_none_is_left_out() -> None:
    titles, row = ["name", "urls", "worktree"], ["feature", "u" * 50, "w" * 70]

    for columns in (140, 100, 60, 44):
        (cut,) = chosen_columns.fit_cells(titles, [row], columns)
        assert sum(map(len, cut)) + 4 <= columns
        assert cut[0] == "feature"
    assert chosen_columns.fit_cells(titles, [row], 200) == [row]
    assert all(chosen_columns.fit_cells(titles, [row], 10)[0])


def test_the_sessions_of_every_repository_of_the_machine(project: Project, sandbox: Path) -> None:
    project.configure("session: {windows: [{name: shell}]}\n")
    project.inv("session.add", "here")
    other, twin, gone = (make(sandbox / place / name) for place, name in (("a", "site"), ("b", "site"), ("c", "gone")))
    for each, name in ((other, "there"), (twin, "there"), (gone, "lost")):
        each.configure(f"session: {{windows: [{{name: shell}}], project: {each.main.parent.name}}}\n")
        each.inv("session.add", name)
    gone.main.rename(gone.main.with_name("moved"))
    # A row as an older tool wrote it, which only that repository's own configuration completes.
    tree = sandbox / "a" / "site-old"
    other.git("worktree", "add", "--quiet", "-b", "old", str(tree))
    rows = json.loads((other.main / ".tally-sessions").read_text())
    rows["old"] = {"backend_port": 8050, "frontend_port": 5050, "worktree": str(tree), "branch": "old"}
    (other.main / ".tally-sessions").write_text(json.dumps(rows))
    (other.main / "tasks.py").write_text("raise SystemExit('nothing of another repository runs')\n")

    table = project.inv("session.list", "--all-repositories").out
    records = project.inv("session.list", "--all-repositories", "--json", cwd=project.worktree("here")).json

    check_answer(records, "session.list --all-repositories")
    assert [(each["repository"], each["name"]) for each in records] == [
        (str(project.main), "here"), (str(other.main), "old"), (str(other.main), "there"), (str(twin.main), "there"),
    ]  # fmt: skip
    assert [line.split()[:2] for line in table.splitlines()[2:]] == [
        ["tally", "here"], ["a/site", "old"], ["a/site", "there"], ["b/site", "there"]
    ]  # fmt: skip
    assert [each["status"] for each in records] == ["running", "stopped", "running", "running"]
    (twin.main / ".tally-sessions").write_text("{")
    said = project.inv("session.list", "--all-repositories")
    assert "The sessions of ~" in said.err or f"The sessions of {twin.main} are unknown: " in said.err
    assert "a/site" not in said.out  # there is one site now
