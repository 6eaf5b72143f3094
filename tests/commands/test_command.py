"""What every task has in common: an optional NAME, failures in one line, steps shown by --echo."""

import errno
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys

import pytest
from invoke.context import Context

from tasks.collection import ns
from tasks.commands.command import command
from tasks.commands.invoke_extensions import SHORT_FLAGS
from tasks.errors import CommandError, SessionError
from tasks.plan import consent
from tasks.system import terminal
from testing.project import CHECKOUT, EMBEDDING, INV, Project, eventually


def seed(project: Project, name: str = "x") -> None:
    """Register a session as the seeds' scripts did; nothing else of it exists."""
    ports = '"backend_port": 8001, "frontend_port": 5001'
    row = f'{{"{name}": {{"worktree": "{project.worktree(name)}", "branch": "{name}", {ports}}}}}'
    (project.main / ".tally-sessions").write_text(row)


def test_a_name_may_be_left_out(project: Project) -> None:
    assert "No sessions." in project.inv("session.resume").out


def test_a_name_may_be_given_by_position_or_by_flag(project: Project) -> None:
    assert '"x"' in project.inv("session.resume", "x", code=1).err
    assert '"x"' in project.inv("session.resume", "--name", "x", code=1).err


def test_an_answer_of_no_is_not_called_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "is_live", lambda: True)
    monkeypatch.setattr(terminal, "can_ask", lambda: True)
    monkeypatch.setattr(terminal, "ask_consent", lambda _question: False)
    monkeypatch.setenv("NO_COLOR", "1")

    @command()
    def asking(_c: Context) -> None:
        consent.require_agreement("Commands", [], False, "Commit them.")

    with pytest.raises(SessionError, match=r"^Not approved, so nothing was changed\.$"):
        asking(Context())


def test_help_is_help_wherever_it_stands(project: Project) -> None:
    for words in (["add", "-h"], ["add", "x", "-h"], ["remove", "--help"], ["restore", "-h"], ["run", "--help"]):
        assert f"\n\nUsage: inv session.{words[0]} " in project.inv(f"session.{words[0]}", *words[1:]).out
    assert not project.worktree("x").exists()
    assert project.inv("session.answer", code=1).err == "session.answer needs a NAME.\nRun: inv --help session.answer\n"


def test_restore_without_a_name_says_which_there_are(project: Project) -> None:
    project.inv("session.add", "x")
    project.inv("session.remove", "x")

    assert project.inv("session.restore", code=1).err == (
        "session.restore needs a NAME. Known: x\nList them: inv session.list --removed\n"
    )


def test_flags_may_come_before_and_after_the_name(project: Project) -> None:
    first = project.inv("session.add", "--dry-run", "x").out
    second = project.inv("session.add", "x", "--dry-run").out

    assert first == second


def test_two_tasks_on_one_line_both_run(project: Project) -> None:
    said = project.inv("session.add", "x", "--dry-run", "session.list")

    assert "tally-x on new branch x" in said.out
    assert said.out.endswith("No sessions.\nRun: inv session.add NAME\n")


def test_a_task_after_one_that_was_given_its_name_runs(project: Project) -> None:
    seed(project)

    said = project.inv("session.remove", "x", "--dry-run", "session.list")

    assert "Would end tmux session tally-x" in said.out
    assert "broken" in said.out


def test_a_name_that_is_needed_is_asked_for(project: Project) -> None:
    assert "NAME" in project.inv("session.add", code=1).err


def test_help_shows_the_name_and_an_example(project: Project) -> None:
    said = project.inv("--help", "session.resume").out

    assert "  --name=STRING" in said
    assert said.endswith("\n\nExample:\n  inv session.resume\n")


def test_a_reader_that_has_seen_enough_is_no_failure(project: Project) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [INV, "session.list"], cwd=project.main, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )  # fmt: skip
    os.close(writing)

    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("words", [["--list"], ["--help", "session.add"]])
@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_reader_that_has_seen_enough_of_what_invoke_prints_is_no_failure(
    project: Project, words: list[str], buffered: str
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONUNBUFFERED": buffered}
    ended = subprocess.run(
        [INV, *words], cwd=project.main, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)

    assert ended.stderr == ""


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_is_no_failure(project: Project, closed: str) -> None:
    script = f'exec "$0" "$@" {closed}'
    argv = ["bash", "-c", script, sys.executable, INV, "session.list"]
    ended = subprocess.run(argv, cwd=project.main, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_json_is_json_in_every_encoding(project: Project) -> None:
    project.configure('session: {windows: [], variables: {WORD: "é😀"}}\n')
    project.inv("session.add", "x")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    argv = [sys.executable, INV, "session.env", "x", "--json"]

    said = subprocess.run(argv, cwd=project.main, env=environment, capture_output=True, check=True).stdout

    assert json.loads(said.decode("ascii"))["WORD"] == "é😀"


def test_a_failure_of_the_system_is_one_line_and_exit_code_1(project: Project) -> None:
    registry = project.main / ".tally-sessions"
    registry.symlink_to(registry)

    said = project.inv("session.list", code=1)

    assert said.err == f"{registry}: Too many levels of symbolic links\n"


_FULL = "Free some space, or inodes (see where: df -h /some; df -i /some), then run the command again."


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/some/file"),
            f"/some/file: No space left on device. {_FULL}",
        ),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "Disk quota exceeded. Delete some of your files on that file"),
        (OSError(errno.EROFS, "Read-only file system", "/x/y"), "/x/y: Read-only file system. Mount it writable"),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), "/x/y: Permission denied. You need permission"),
        (shutil.Error([("a", "/some/b", "[Errno 28] No space left on device")]), "/some/b: [Errno 28] No space left"),
        (
            CommandError("git", 1, "No space left on device"),
            "git failed (exit code 1):\n    No space left on device\nFree",
        ),
        (OSError("strange"), "strange"),
        (ValueError("embedded null byte"), "A value in invoke.yaml has a NUL character"),
    ],
)
def test_an_error_of_the_machine_becomes_ours(error: Exception, expected: str) -> None:
    @command("name")
    def failing(c: Context, name: str = "") -> None:
        """Fail."""
        raise error

    with pytest.raises(SessionError) as raised:
        failing(Context())

    assert str(raised.value.message).startswith(expected)
    assert raised.value.code == 1


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    @command("name")
    def mistaken(c: Context, name: str = "") -> None:
        """Fail."""
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        mistaken(Context())


def test_the_tests_that_are_chosen_are_one_word_to_the_shell() -> None:
    argv = [sys.executable, INV, "--dry", "test", "--only", "a'; touch $(b)"]
    said = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout

    assert shlex.split(terminal.plain_text(said))[-2:] == ["-k", "a'; touch $(b)"]


def test_echo_shows_the_commands_of_git_and_tmux_on_stderr_only(project: Project) -> None:
    seed(project)

    said = project.inv("--echo", "session.list", "--json")

    shown = [line for line in said.err.splitlines() if line.startswith("+ ")]
    assert any(line.startswith("+ tmux -u list-panes") for line in shown)
    assert [row["name"] for row in said.json] == ["x"]


def test_echo_shows_what_add_asks_git(project: Project) -> None:
    said = project.inv("--echo", "session.add", "x", "--dry-run")

    assert f"+ git -C {project.main} for-each-ref" in said.err
    assert "+ " not in said.out


def test_echo_shows_copies_links_and_which_values_are_set(project: Project) -> None:
    project.configure(
        "session: {windows: [], copy: [backend/.env], link: [backend/db.sqlite3], env: {backend/.env: {TOKEN: hidden}}}"
    )

    shown = project.inv("--echo", "session.add", "x").err.splitlines()

    tree = project.worktree("x")
    assert f"+ cp -a {project.main}/backend/.env {tree}/backend/.env" in shown
    assert f"+ ln -s {project.main}/backend/db.sqlite3 {tree}/backend/db.sqlite3" in shown
    assert f"+ # set TOKEN in {tree}/backend/.env" in shown
    assert "hidden" not in "".join(shown)


def test_without_echo_no_command_is_shown(project: Project) -> None:
    assert "+ git" not in project.inv("session.add", "x", "--dry-run").err


_STOPPING = """import sys, time
from pathlib import Path


class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            Path("loading").touch()
            time.sleep(60)


sys.meta_path.insert(0, Slow())
"""


@pytest.mark.parametrize("module", ["tasks.commands.list", "tasks.views.tables"])
def test_a_cancel_while_modules_load_is_told(project: Project, module: str) -> None:
    (project.main / "tasks.py").write_text(_STOPPING.format(module=module) + EMBEDDING)
    argv = [sys.executable, INV, "session.list"]

    with subprocess.Popen(argv, cwd=project.main, stderr=subprocess.PIPE, text=True) as inv:
        eventually((project.main / "loading").exists)
        inv.send_signal(signal.SIGINT)
        said = inv.communicate()[1]

    assert (inv.returncode, said) == (130, "Cancelled.\n")


def test_each_task_has_one_short_line_of_help_and_phrases_for_its_options() -> None:
    for name in ns.task_names:
        task = ns[name]
        line = str(task.__doc__).split("\n", 1)[0]
        assert len(line) <= 60, (name, line)
        assert "Example: inv " in str(task.__doc__), name
        for argument in task.get_arguments():
            assert argument.help, (name, argument.name)
            assert len(str(argument.help)) <= 110, (name, argument.name)
            assert ";" not in str(argument.help), (name, argument.name)


def test_short_forms_of_options_are_chosen_and_mean_the_same_everywhere() -> None:
    meanings: dict[str, set[str]] = {}
    for name in ns.task_names:
        for argument in ns[name].get_arguments():
            letters = [each for each in argument.names if len(each) == 1]
            chosen = SHORT_FLAGS.get(str(argument.name))
            assert letters == ([chosen] if chosen else []), (name, argument.name)
            for letter in letters:
                meanings.setdefault(letter, set()).add("message" if letter == "m" else str(argument.name))

    assert {letter: len(names) for letter, names in meanings.items()} == dict.fromkeys("anfHjmwy", 1)
    assert "h" not in meanings


def test_the_tasks_of_this_repository_have_no_short_forms_by_accident() -> None:
    said = subprocess.run([INV, "--help", "test"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout

    assert re.findall(r"^ +-\w\b", said, re.MULTILINE) == []


def test_a_short_form_does_what_the_long_one_does(project: Project) -> None:
    assert project.inv("session.add", "x", "-n").out == project.inv("session.add", "x", "--dry-run").out
    assert project.inv("session.list", "-j").json == []
    assert project.inv("session.add", "x", "-nj", "-m", "begin").json["branch"] == "x"
