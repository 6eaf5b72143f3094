"""Text as wide as the terminal."""

import shlex
import sys
from pathlib import Path

import pytest

from tasks.system import terminal
from tasks.tools import worktree_status
from testing.project import CHECKOUT
from testing.terminal import shows, tmux


@pytest.mark.parametrize("columns", range(30, 60))
def test_a_number_is_never_parted_from_its_unit(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(terminal, "is_live", lambda: True)
    monkeypatch.setattr(terminal, "terminal_columns", lambda: columns)
    text = "worktree  /home/me/tally-feature on new branch feature, 120 MB of it  0.14 s"

    lines = terminal.wrap_text(text, 10).splitlines()

    assert " ".join(" ".join(lines).split()) == " ".join(text.split())
    assert not [line for line in lines if line.rstrip().endswith(("0.14", "120"))]
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize(
    ("room", "short"), [(9, "task…name"), (10, "task-…name"), (14, "task-with-name"), (5, "ta…me")]
)
def test_a_name_is_cut_in_its_middle(room: int, short: str) -> None:
    assert terminal.shorten_middle("task-with-name", room) == short


def test_an_error_begins_with_a_word_in_red_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert terminal.told_error("No.\x07") == "No.\\u0007"

    monkeypatch.setattr(terminal, "is_live", lambda: True)
    monkeypatch.setattr(terminal, "_colours", lambda colour: (f"<{colour}>", "</>"))
    assert terminal.told_error("No.") == "<1>Error:</> No."
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.told_error("No.") == "Error: No."


def test_what_was_done_is_green_up_to_the_end_of_its_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert terminal.paint_done("Removed v1.2. Saved .env.") == "Removed v1.2. Saved .env."

    monkeypatch.setattr(terminal, "stdout_columns", lambda: 80)
    monkeypatch.setattr(terminal, "_colours", lambda colour: (f"<{colour}>", "</>"))
    assert terminal.paint_done("Removed v1.2. Saved .env.\nUndo: x") == "<2>Removed v1.2.</> Saved .env.\nUndo: x"
    assert terminal.paint_done("no sentence") == "no sentence"


def test_half_a_surrogate_pair_is_escaped_as_control_characters_are() -> None:
    assert terminal.plain_text("a\ud800x\udfff") == "a\\ud800x\\udfff"
    assert terminal.one_line("\udc80\t") == "\\udc80\\u0009"


def test_colours_go_from_what_programs_say_and_are_seen_in_the_name_of_a_file() -> None:
    assert terminal.one_line("\x1b[31mred\x1b[0m") == "red"

    hostile = "esc\x1b[31m\r\n\t.txt"
    work = worktree_status.Work("", "", (hostile,), (hostile,))
    seen = "esc\\u001b[31m\\u000d\\u000a\\u0009.txt"
    assert terminal.file_name(hostile) == seen
    assert worktree_status.list_uncommitted(work) == f"    changed: {seen}\n    untracked: {seen}"
    assert worktree_status.list_paths([hostile]) == seen


def test_later_lines_of_a_note_are_in_the_column_of_the_first_and_commands_whole(sandbox: Path) -> None:
    run = "Run: cd /a/directory && inv session.doctor --fix now"
    note = f"One two three four five six seven eight nine ten eleven.\\n{run}"
    program = f"from tasks.system import progress; progress.notice('{note}'); progress.notice('x\\nlater words')"
    words = f"cd {shlex.quote(str(CHECKOUT))} && {sys.executable} -c {shlex.quote(program)} && sleep 600"
    tmux("new-session", "-d", "-s", "t", "-x", "50", "-y", "20", words)

    shows("t", "later words")

    lines = tmux("capture-pane", "-p", "-J", "-t", "t").splitlines()
    assert [line.split()[0] for line in lines[::3]] == ["note", "note"]
    column = " " * 13
    assert lines[1].startswith(f"{column}se") or lines[1].startswith(f"{column}eight")
    assert (lines[2], lines[4]) == (f"{column}{run}", f"{column}later words")
