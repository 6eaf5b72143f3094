"""A session's variables for a person's own shell and commands."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from testing.project import INV, Project

_NASTY = 'a\'b "c" $HOME `x` #'


@pytest.fixture
def added(project: Project) -> Project:
    """Return the project with the session x, whose app is frontend; there is no tmux session."""
    apps = "{frontend: {URL: 'http://localhost:${FRONTEND_PORT}'}, backend: {URL: b}}"
    quoted = _NASTY.replace("\\", "\\\\").replace('"', '\\"')
    project.configure(
        f'session:\n  windows: []\n  env_file: .env.session\n  app_env: {apps}\n  variables: {{NASTY: "{quoted}"}}\n'
    )
    project.inv("session.add", "x")
    return project


def test_a_shell_takes_the_variables_as_they_are(added: Project) -> None:
    port = added.row("x")["frontend_port"]

    printed = added.inv("session.env", "x", "--app", "frontend").out

    ask = 'eval "$1"; printf "%s|%s|%s|%s" "$NASTY" "$FRONTEND_PORT" "$URL" "$TALLY_SESSION"'
    said = subprocess.run(["bash", "-c", ask, "bash", printed], capture_output=True, text=True, check=True).stdout
    assert said == f"{_NASTY}|{port}|http://localhost:{port}|"
    assert printed.startswith("export NASTY='a'\"'\"'b ")
    inside = added.inv("session.env", "--json", cwd=added.worktree("x") / "backend").json
    assert inside == {"NASTY": _NASTY, "BACKEND_PORT": str(added.row("x")["backend_port"]), "FRONTEND_PORT": str(port)}
    offered = added.inv("--complete", "--", "inv", "session.env", "x", "--app", "").out.split()
    assert offered == ["backend", "frontend"]
    unknown = added.inv("session.env", "x", "--app", "front", code=1).err
    assert unknown == 'x has no app "front". Its apps: frontend, backend\n'


def test_a_command_runs_there_with_the_variables_and_its_exit_code(added: Project) -> None:
    tree, port = added.worktree("x"), added.row("x")["frontend_port"]
    ask = 'echo "$PWD $FRONTEND_PORT $URL $TALLY_SESSION"; exit 7'

    by_name = added.inv("session.run", "x", ask, code=7)
    in_app = added.inv("session.run", "x", ask, "--app", "frontend", code=7)
    inside = added.inv("session.run", ask, cwd=tree / "backend", code=7)
    (tree / "frontend" / "deep").mkdir()
    deep = added.inv("session.run", "--maybe", ask, cwd=tree / "frontend" / "deep", code=7)
    killed = added.inv("session.run", "x", "kill -9 $$", code=-signal.SIGKILL)
    dashed = added.inv("session.run", "x", "--version", code=127)  # no option of the shell's
    words = added.inv("session.run", "x", "--", "printf", "%s|", "a b", "--echo")
    assert words.out == "a b|--echo|"
    assert added.inv("session.run", "--", "echo $PWD | cat", cwd=tree).out == f"{tree}\n"
    piped = added.inv("session.run", "x", "yes | head -1")

    assert by_name.out == f"{tree} {port}  {tree}\n"
    assert in_app.out == f"{tree}/frontend {port} http://localhost:{port} {tree}\n"
    assert "--version: command not found" in dashed.err
    assert deep.out == f"{tree}/frontend/deep {port} http://localhost:{port} {tree}\n"
    assert inside.out == f"{tree}/backend {port} b {tree}\n"
    assert killed.out == killed.err == ""
    assert (piped.out, piped.err) == ("y\n", "")


def test_the_terminals_interrupt_is_the_commands_own(added: Project) -> None:
    line = 'sleep 60 >/dev/null & trap "echo told; kill $!; exit 5" INT; echo ready; wait'
    argv = [INV, "session.run", "x", line]
    with subprocess.Popen(argv, cwd=added.main, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        os.killpg(running.pid, signal.SIGINT)
        assert running.stdout.readline() == "told\n"

    assert running.returncode == 5


def test_a_single_word_is_the_command_where_that_is_clear(added: Project, sandbox: Path) -> None:
    tree = added.worktree("x")

    assert (
        "Which session? Give a NAME, or run this inside its worktree." in added.inv("session.run", "true", code=1).err
    )
    assert "No command for session x." in added.inv("session.run", "x", code=1, cwd=tree).err
    assert "Which command?" in added.inv("session.run", code=1).err
    assert 'No session "y".' in added.inv("session.run", "y", "true", "--maybe", code=1).err
    unchanged = added.inv("session.run", "--maybe", "echo $PWD:$FRONTEND_PORT; exit 3", code=3)
    assert unchanged.out == f"{added.main}:\n"
    named = added.inv("session.run", "--maybe", "x", cwd=tree, code=127)  # said to be a command, although a session
    assert "x: command not found" in named.err
    (added.main / ".tally-sessions").write_text("{")
    assert "not valid JSON" in added.inv("session.run", "--maybe", "true", code=1).err
    for name in ("tasks", "tasks.py"):
        (sandbox / name).symlink_to(added.main / name)
    assert added.inv("session.run", "--maybe", "pwd", cwd=sandbox).out == f"{sandbox}\n"
