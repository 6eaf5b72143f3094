"""An `add` that fails, or is interrupted, at any resource leaves the world as it was."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tasks.lifecycle import RESOURCES, RUNNING
from tasks.resources import parts
from testing import failing_inv, sessions
from testing.project import INV, Project, eventually
from testing.terminal import tmux

_PROGRAM = str(failing_inv.__file__)
_FAILURES = {
    "error": (1, "injected failure"), "oserror": (1, "No space left on device"), "SIGINT": (130, "Cancelled."),
    "SIGTERM": (143, "Cancelled."), "SIGHUP": (129, "Cancelled."),
}  # fmt: skip
# The resources of an ordinary session that are worth a line of narration.
_TOLD = ("worktree", "tmux", "files", "claude", "programs")

# Those of containers do nothing without any; what they begin is undone in test_compose.
_NAMES = [resource.LABEL for resource in RESOURCES if resource.LABEL not in ("compose", "containers")]


@pytest.fixture
def crowded(project: Project, sandbox: Path) -> Project:
    """Return the project with another session, a branch `mine`, a foreign tmux session, and permissions."""
    entries = {str(project.main): {"allowedTools": ["Bash(ls:*)"]}, "/other": {"allowedTools": []}}
    (sandbox / "home" / ".claude.json").write_text(json.dumps({"projects": entries}, indent=2))
    tmux("new-session", "-d", "-s", "tally-mine-2", "-n", "foreign")
    project.git("branch", "mine")
    project.inv("session.add", "other")
    eventually(lambda: str(project.worktree("other")) in str(project.world()["processes"]))
    return project


@pytest.mark.parametrize("kind", _FAILURES)
def test_an_add_that_fails_after_any_resource_leaves_the_world_as_it_was(crowded: Project, kind: str) -> None:
    # All failures are undone by the same lines: those that only end in another way are tried where something runs.
    _fails(crowded, _NAMES if kind in ("error", "SIGINT") else _TOLD, "after", kind)


@pytest.mark.slow
def test_an_add_that_fails_before_any_resource_leaves_the_world_as_it_was(crowded: Project) -> None:
    # Before a resource has begun every kind of failure finds the same world: one is tried.
    _fails(crowded, _NAMES, "before", "SIGINT")


def _fails(project: Project, names: Sequence[str], moment: str, kind: str) -> None:
    """Have an `add` fail at each of the resources called *names*: nothing of it stays."""
    code, message = _FAILURES[kind]
    before = project.world()
    for name in names:
        said = project.inv(name, "create", moment, kind, "session.add", "x", code=code, program=_PROGRAM)

        assert message in said.err, name
        assert name not in _TOLD or f"  {name:<10} failed: " in said.err, name
        assert "x was removed completely." in said.err, name
        assert said.out == "", name
        assert project.world() == before, name


@pytest.mark.slow
def test_a_branch_that_was_there_survives_every_rollback(crowded: Project) -> None:
    before = crowded.world()
    for resource in _NAMES:
        crowded.inv(resource, "create", "after", "error", "session.add", "mine", code=1, program=_PROGRAM)

        assert crowded.world() == before, resource


@pytest.mark.slow
def test_a_second_interrupt_does_not_stop_the_clean_up(crowded: Project) -> None:
    before = crowded.world()
    for resource in _NAMES:
        crowded.inv(resource, "create", "after", "SIGINT-twice", "session.add", "x", code=130, program=_PROGRAM)

        assert crowded.world() == before, resource


def test_a_failing_post_checkout_hook_leaves_nothing_and_is_told(crowded: Project) -> None:
    hook = crowded.main / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\necho this hook refuses >&2\nexit 1\n")
    hook.chmod(0o755)
    before = crowded.world()

    said = crowded.inv("session.add", "x", code=1)

    assert "this hook refuses" in said.err
    assert crowded.world() == before


@pytest.mark.parametrize("send", [os.killpg, os.kill], ids=["terminal", "alone"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_git_works_leaves_nothing(
    crowded: Project, number: int, send: Callable[[int, int], None]
) -> None:
    hook = crowded.main / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {crowded.top}/begun\nsleep 30\n")
    hook.chmod(0o755)
    before = crowded.world()
    running = subprocess.Popen(
        [INV, "session.add", "x"], cwd=crowded.main, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # who runs us may ignore it
    )  # fmt: skip
    eventually((crowded.top / "begun").exists)

    send(running.pid, number)
    out, err = running.communicate(timeout=20)
    (crowded.top / "begun").unlink()

    assert (running.returncode, out) == (128 + number, "")
    assert "Traceback" not in err
    assert crowded.world() == before


def test_a_foreign_tmux_session_of_the_same_name_is_told_and_left_alone(crowded: Project) -> None:
    tmux("new-session", "-d", "-s", "tally-x", "-n", "foreign")
    before = crowded.world()

    said = crowded.inv("session.add", "x", code=1)

    assert "tally-x" in said.err
    assert crowded.world() == before


def test_what_runs_is_undone_first_as_a_removal_does(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions.add(project, "x", state="adding")
    (session,) = sessions.all_of(project)
    undone: list[str] = []
    for resource in RESOURCES:
        monkeypatch.setattr(resource, "remove", lambda _session, each=resource: undone.append(each.LABEL))

    parts.undo_all(session, RESOURCES[:10], RUNNING)

    others = ["setup", "compose", "databases", "packages", "files", "claude", "kept", "worktree"]
    assert undone == ["containers", "tmux", *others]
