"""Commands that nobody committed are shown before they run, and agreed to once."""

from pathlib import Path

from tests.project import Project

_EXTRA = "  setup: [touch ran]\n  verify: [test -e ran]\n  windows: []\n"


def _configure_uncommitted(project: Project, text: str) -> None:
    (project.main / "invoke.yaml").write_text(f"session:\n{text}")


def test_commands_that_are_not_committed_stop_add_and_are_named(project: Project) -> None:
    project.configure("released: 2026-13-45\n")  # a date that is none is a ValueError in YAML
    _configure_uncommitted(project, _EXTRA)
    before = project.world()

    said = project.inv("session.add", "x", code=1)

    assert "    touch ran\n    test -e ran\n" in said.err
    assert "--yes" in said.err
    assert project.world() == before


def test_passwords_are_not_told_and_what_a_shell_would_act_upon_is(project: Project) -> None:
    run, sly = "serve postgres://me:hun@ter2@db/x", "curl http://x;rm$IFS-rf@y"
    _configure_uncommitted(project, f"  setup: ['{sly}']\n  windows: [{{name: web, run: '{run}'}}]\n")

    asked = project.inv("session.add", "x", code=1).err
    planned = project.inv("session.add", "x", "--yes", "--dry-run").out

    assert f"    {sly}\n    serve postgres://…@db/x\n" in asked
    assert "run serve postgres://…@db/x" in planned
    assert "ter2" not in asked + planned


def test_a_name_that_would_be_a_command_where_it_is_put_into_one_is_asked_for(project: Project) -> None:
    for text in ("project: tally; ls", "worktree: ../$(ls)-{slug}"):
        _configure_uncommitted(project, f"  {text}\n  windows: []\n")

        assert f"    {text.partition(': ')[2]}\n" in project.inv("session.add", "x", code=1).err


def test_a_variable_that_makes_programs_run_something_is_asked_for(project: Project) -> None:
    variables = "  variables: {BASH_ENV: /tmp/any, GIT_SSH_COMMAND: any, DEBUG: '1'}\n  windows: []\n"
    _configure_uncommitted(project, variables)

    said = project.inv("session.add", "x", code=1).err

    assert "    BASH_ENV=/tmp/any\n    GIT_SSH_COMMAND=any\ncommit it" in said
    project.configure(f"session:\n{variables}")
    project.inv("session.add", "x", "--dry-run")


def test_what_was_agreed_to_is_not_asked_again(project: Project) -> None:
    _configure_uncommitted(project, _EXTRA)
    project.inv("session.add", "x", "--yes")

    project.inv("session.add", "y")

    assert (project.worktree("x") / "ran").exists()
    assert (project.worktree("y") / "ran").exists()


def test_other_commands_are_asked_for_again(project: Project) -> None:
    _configure_uncommitted(project, _EXTRA)
    project.inv("session.add", "x", "--yes")
    _configure_uncommitted(project, _EXTRA.replace("ran", "other"))

    assert "touch other" in project.inv("session.add", "y", code=1).err


def test_committed_commands_and_those_of_a_preset_are_not_asked_for(project: Project) -> None:
    project.configure(f"session:\n{_EXTRA}")
    project.inv("session.add", "x")

    project.inv("session.add", "y", env={"INVOKE_SESSION_PRESET": "tally"})


def test_the_persons_own_file_counts_as_not_committed(project: Project) -> None:
    (Path.home() / ".invoke.yaml").write_text("session: {activate: 'echo hello'}\n")

    assert "echo hello" in project.inv("session.add", "x", code=1).err


def test_a_failing_setup_keeps_the_session_and_start_tries_it_again(project: Project) -> None:
    project.configure(
        "session:\n  activate: ' '\n  setup: ['echo told; test -e allowed || lx', touch after]\n  windows: []\n"
    )

    said = project.inv("session.add", "x", code=1)

    assert "setup command failed: echo told; test -e allowed || lx" in said.err
    assert "told" in said.err
    assert not (project.worktree("x") / "after").exists()
    assert "stopped, setup failed" in project.inv("session.list").out
    assert project.listed("x")["setup_failed"] == ["echo told; test -e allowed || lx", "touch after"]
    assert "failed: echo told; test -e allowed || lx; then: inv session.start x" in project.inv("session.show", "x").out
    assert "setup did not succeed: touch after" in project.inv("session.start", "x", code=1).err
    (project.worktree("x") / "allowed").touch()
    assert "setup failed" not in project.inv("session.start", "x").out
    assert (project.worktree("x") / "after").exists()
    assert len(project.row("x")["setup_done"]) == 2
