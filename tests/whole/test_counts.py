"""How many programs the everyday tasks start: what makes them quick, and stay so."""

import json
from pathlib import Path

import pytest

from testing import opened, wrappers
from testing.project import Project


def _verbs(started: list[str]) -> list[str]:
    words = "worktree for-each-ref source-file send-keys if-shell list-panes status ls-files update-ref".split()
    words += ["rev-list", "rev-parse", "diff-index", "ls-tree"]
    own = [line for line in started if "@tally_state" not in line]  # which the conversation's hooks set, when they like
    return [next((word for word in words if word in line.split()), line) for line in own]


def test_add_starts_git_four_times_and_tmux_twice(project: Project, sandbox: Path) -> None:
    project.inv("session.add", "first")  # from then on it is known that the configuration is committed
    git, tmux = wrappers.counting(sandbox, "git"), wrappers.counting(sandbox, "tmux")

    project.inv("session.add", "x")

    # The last two tell, while the first writes the files, whether windows can open already.
    assert sorted(_verbs(wrappers.starts(git))) == ["for-each-ref", "ls-tree", "rev-parse", "worktree"]
    assert _verbs(wrappers.starts(tmux)) == ["source-file", "send-keys"]


def test_activation_costs_add_one_more_tmux_for_what_is_typed_after_it(project: Project, sandbox: Path) -> None:
    project.configure('session: {activate: "true"}\n')
    tmux = wrappers.counting(sandbox, "tmux")

    project.inv("session.add", "x")

    assert _verbs(wrappers.starts(tmux)) == ["source-file", "send-keys", "send-keys"]


def test_remove_starts_tmux_once_and_git_no_oftener_than_keeping_needs(project: Project, sandbox: Path) -> None:
    project.inv("session.add", "x")
    git, tmux = wrappers.counting(sandbox, "git"), wrappers.counting(sandbox, "tmux")

    project.inv("session.remove", "x")

    # The second looks for what is staged, which is held by a ref.
    asked = [verb for verb in _verbs(wrappers.starts(git)) if verb != "ls-tree"]  # which the background asks, later
    assert asked == ["status", "diff-index", "update-ref"]
    assert _verbs(wrappers.starts(tmux)) == ["if-shell"]


def test_restore_starts_git_to_look_at_branches_and_for_each_ref_that_it_changes(
    project: Project, sandbox: Path
) -> None:
    project.inv("session.add", "x")
    project.inv("session.remove", "x")
    git = wrappers.counting(sandbox, "git")

    project.inv("session.restore", "x")

    asked = [verb for verb in _verbs(wrappers.starts(git)) if "-ref" in verb or "rev-" in verb]
    assert asked == ["for-each-ref", "update-ref", "update-ref"]


def test_list_asks_tmux_once_for_all_sessions(project: Project, sandbox: Path) -> None:
    for name in ("x", "y", "z"):
        project.inv("session.add", name)
    git, tmux = wrappers.counting(sandbox, "git"), wrappers.counting(sandbox, "tmux")

    assert len(project.inv("session.list", "--json").json) == 3

    assert _verbs(wrappers.starts(tmux)) == ["list-panes"]
    assert sorted(_verbs(wrappers.starts(git))) == ["rev-parse", *["status"] * 3]


def test_doctor_asks_tmux_once_and_git_once_for_each_session(project: Project, sandbox: Path) -> None:
    for name in ("x", "y", "z"):
        project.inv("session.add", name)
    git, tmux = wrappers.counting(sandbox, "git"), wrappers.counting(sandbox, "tmux")

    project.inv("session.doctor", code=None)

    assert _verbs(wrappers.starts(tmux)) == ["-V ", "list-panes"]
    asked = _verbs(wrappers.starts(git))
    assert (asked.count("status"), len(asked)) == (3, 3 + 4), asked  # the others are asked for all sessions


def test_a_second_resume_starts_tmux_only_to_look(project: Project, sandbox: Path) -> None:
    project.inv("session.add", "x")
    project.inv("session.resume")
    tmux = wrappers.counting(sandbox, "tmux")

    project.inv("session.resume")

    assert set(_verbs(wrappers.starts(tmux))) == {"list-panes"}


def _reads(project: Project, sandbox: Path, file: Path, *words: str) -> int:
    """Return how often `inv` with *words* opens *file*."""
    log = sandbox / f"opened-by-{words[0]}"
    project.inv(str(log), *words, program=str(opened.__file__))
    return log.read_text().splitlines().count(str(file))


def test_claude_json_is_read_once_and_again_under_its_lock_and_after_the_change(
    project: Project, sandbox: Path
) -> None:
    file = sandbox / "home" / ".claude.json"
    file.write_text(json.dumps({"projects": {str(project.main): {"allowedTools": ["Bash(make)"]}}}))
    project.configure("session: {windows: [{name: claude, claude: true}]}\n")
    assert _reads(project, sandbox, file, "session.add", "x") == 3


def test_the_saved_version_of_claude_code_is_read_once(project: Project, sandbox: Path) -> None:
    (sandbox / "home" / ".claude.json").write_text(
        json.dumps({"projects": {str(project.main): {"allowedTools": ["Bash(make)"]}}})
    )
    project.configure("session: {windows: [{name: claude, claude: true}]}\n")
    project.inv("session.add", "first")  # asks Claude Code
    [file] = sandbox.rglob("claude-version.json")

    assert _reads(project, sandbox, file, "session.add", "x") == 1


@pytest.mark.parametrize(("words", "most"), [(("session.list",), 3), (("session.remove", "x"), 6)])
def test_where_git_has_its_data_of_a_worktree_is_looked_up_seldom(
    project: Project, sandbox: Path, words: tuple[str, ...], most: int
) -> None:
    project.inv("session.add", "x")

    assert _reads(project, sandbox, project.worktree("x") / ".git", *words) <= most
