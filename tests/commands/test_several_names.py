"""Several names in one command: after spaces or commas, wherever that can be meant."""

import pytest

from testing.project import EMBEDDING, Project

_BUILD = "\nfrom invoke import task\n\n\n@task\ndef build(c):\n    print('built')\n\n\nns.add_task(build)\n"


def _names(project: Project) -> list[str]:
    return [each["name"] for each in project.inv("session.list", "--json").json]


def test_several_names_are_taken_one_that_is_refused_stops_no_other(project: Project) -> None:
    (project.main / "tasks.py").write_text(EMBEDDING + _BUILD)
    project.configure("session: {windows: [{name: shell}]}\n")
    for name in ("a", "b", "c", "d", "build"):
        project.inv("session.add", name)
    (project.worktree("b") / "new").touch()

    assert [line for line in project.inv("session.stop", "a", "b").out.splitlines() if "Stop" in line] == [
        "Stopped a.", "Stopped b."
    ]  # fmt: skip
    assert "a is running" in project.inv("session.start", "a,b").out
    assert "==> a <==" in project.inv("session.logs", "a", "b", "--lines", "1").out
    assert "--follow takes one session." in project.inv("session.logs", "a,b", "--follow", code=1).err
    assert project.inv("session.send", "a,b", "hi", code=1).err.count("Nothing was sent.") == 2

    unknown = project.inv("session.remove", "a", "x", "dd", code=1)
    assert unknown.err == 'No session "x", "dd". Did you mean "d"?\nSessions: a, b, build, c, d\n'
    assert 'Did you mean "session.list"?' in project.inv("session.remove", "a", "session.lst", code=1).err
    assert _names(project) == ["a", "b", "build", "c", "d"]

    said = project.inv("session.remove", "a", "--keep-branch", "b", "c", code=1)
    assert [line[:10] for line in said.out.splitlines() if "Removed" in line] == ["Removed a.", "Removed c."]
    assert said.err.startswith("Session b has uncommitted changes in")
    assert said.err.endswith("Not removed: b\n")
    assert _names(project) == ["b", "build", "d"]

    forced = project.inv("session.remove", "b,d", "--force")
    assert f"Session b has uncommitted changes in {project.worktree('b')}." in forced.err
    assert _names(project) == ["build"]
    assert project.inv("session.stop", "build", "build").out.endswith("built\n")  # the second is the task


def test_a_short_option_of_invoke_is_none_of_ours(project: Project) -> None:
    for words in ("attach x -w", "attach -f", "stop x -e"):
        task, *_, flag = words.split()
        said = project.inv(f"session.{task}", *words.split()[1:], code=1).err
        assert said == f"session.{task} has no option {flag}.\nRun: inv --help session.{task}\n"


def test_a_group_that_is_not_there_is_suggested(project: Project) -> None:
    said = project.inv("--list", "sesion", code=1).err
    assert said == 'No group of tasks "sesion". Did you mean "session"?\nRun: inv --list session\n'
    assert project.inv("--list", "xyz", code=1).err == 'No group of tasks "xyz".\nRun: inv --list\n'


@pytest.mark.parametrize(
    "words",
    ["start --all", "stop --all", "remove --all", "remove --merged", "merge --all", "setup --all"],
)
def test_that_there_are_no_sessions_is_said_once_by_what_is_for_all_of_them(project: Project, words: str) -> None:
    done = project.inv(*f"session.{words}".split(), code=None)

    assert (done.out + done.err).strip() == "No sessions.\nRun: inv session.add NAME"
