"""How many programs the everyday tasks start: what makes them quick, and stay so."""

from pathlib import Path

from tests import wrappers
from tests.project import Project


def _verbs(started: list[str]) -> list[str]:
    words = "worktree for-each-ref new-session send-keys if-shell list-panes status ls-files update-ref".split()
    words += ["rev-list", "rev-parse"]
    return [next((word for word in words if word in line.split()), line) for line in started]


def test_add_starts_git_twice_and_tmux_twice(project: Project, sandbox: Path) -> None:
    project.unconfigure()
    git, tmux = wrappers.counting(sandbox, "git"), wrappers.counting(sandbox, "tmux")

    project.inv("session.add", "x")

    assert _verbs(wrappers.starts(git)) == ["for-each-ref", "worktree"]
    assert _verbs(wrappers.starts(tmux)) == ["new-session", "send-keys"]


def test_activation_costs_add_one_more_tmux_for_what_is_typed_after_it(project: Project, sandbox: Path) -> None:
    project.configure('session: {activate: "true"}\n')
    tmux = wrappers.counting(sandbox, "tmux")

    project.inv("session.add", "x")

    assert _verbs(wrappers.starts(tmux)) == ["new-session", "send-keys", "send-keys"]


def test_remove_starts_tmux_once_and_git_no_oftener_than_keeping_needs(project: Project, sandbox: Path) -> None:
    project.inv("session.add", "x")
    git, tmux = wrappers.counting(sandbox, "git"), wrappers.counting(sandbox, "tmux")

    project.inv("session.remove", "x")

    # The second look is at what the servers wrote while they were ended, the third at what git does not look at:
    # they decide what is kept.
    assert _verbs(wrappers.starts(git)) == ["status", "status", "ls-files", "update-ref", "update-ref"]
    assert _verbs(wrappers.starts(tmux)) == ["if-shell"]


def test_list_asks_tmux_once_for_all_sessions(project: Project, sandbox: Path) -> None:
    for name in ("x", "y", "z"):
        project.inv("session.add", name)
    git, tmux = wrappers.counting(sandbox, "git"), wrappers.counting(sandbox, "tmux")

    assert len(project.inv("session.list", "--json").json) == 3

    assert _verbs(wrappers.starts(tmux)) == ["list-panes"]
    assert sorted(_verbs(wrappers.starts(git))) == ["rev-parse", *["status"] * 3]


def test_a_second_resume_starts_tmux_only_to_look(project: Project, sandbox: Path) -> None:
    project.inv("session.add", "x")
    project.inv("session.resume")
    tmux = wrappers.counting(sandbox, "tmux")

    project.inv("session.resume")

    assert set(_verbs(wrappers.starts(tmux))) == {"list-panes"}
