"""The text of a work log: our part follows the sessions, every other byte stays."""

import pytest

from tasks.errors import SessionError
from tasks.resources.worklog_file import BEGIN, END, Entry, logged_sessions, update_log

_A = Entry("a", "2025-10-25T10:00:00+02:00", "### Session: a\n- **Status**: ", "\n- [ ] do", "IN PROGRESS")
_B = _A._replace(name="b", before="### Session: b\n- **Status**: ")
_PAUSED = _A._replace(status="PAUSED")


def text(*entries: Entry) -> str:
    return "".join(f"{each.mark}\n{each.before}{each.status}{each.after}\n\n" for each in entries)


def part(*entries: Entry) -> str:
    return f"{BEGIN}\n{text(*entries)}{END}\n"


def test_an_entry_begins_a_part_which_goes_with_its_last_entry() -> None:
    assert update_log("", [_A]) == part(_A)
    assert update_log(part(_A), [_B]) == part(_A, _B)
    assert update_log(part(_A, _B), [], (_A.name, _A.created)) == part(_B)
    assert update_log(part(_A), [], (_A.name, _A.created)) == ""
    assert update_log("# Log\n", []) == "# Log\n"


@pytest.mark.parametrize("before", ["# Log\n", "\ufefff\u2028g\x0b\n", "\udcff\udcfe\n", "a\r\n\r\nb\r\n"])
@pytest.mark.parametrize("after", ["", "words\n", "no newline at the end", "\n\n \t\n"])
def test_every_byte_around_the_part_stays(before: str, after: str) -> None:
    newline = "\r\n" if "\r\n" in before else "\n"
    ours, paused = part(_A).replace("\n", newline), part(_PAUSED).replace("\n", newline)

    assert update_log(before, [_A]) == before + ours
    assert update_log(before + ours + after, [_PAUSED]) == before + paused + after


def test_a_last_line_without_its_end_is_ended_first() -> None:
    assert update_log("# Log", [_A]) == f"# Log\n{part(_A)}"


def test_what_people_tick_and_write_in_an_entry_stays() -> None:
    written = part(_A).replace("[ ] do", "[x] do\nalmost there").replace(BEGIN, f"{BEGIN}\npreface")

    assert update_log(written, [_PAUSED]) == written.replace("IN PROGRESS", "PAUSED")


def test_a_status_in_ones_own_words_stays_until_the_sessions_status_changes() -> None:
    own = part(_A).replace("**Status**: IN PROGRESS", "**Status**: BLOCKED")

    assert update_log(own, [_A]) == own
    assert update_log(own, [_PAUSED]) == part(_PAUSED)


def test_a_status_line_that_was_deleted_is_not_put_back() -> None:
    without = part(_A).replace("- **Status**: IN PROGRESS\n", "")

    assert update_log(without, [_PAUSED]) == part(_PAUSED).replace("- **Status**: PAUSED\n", "")


def test_the_status_alone_on_its_line_is_found_and_another_line_is_not_taken_for_it() -> None:
    bare = _A._replace(before="title\n", after="\nend")

    assert update_log(part(bare), [bare._replace(status="PAUSED")]) == part(bare._replace(status="PAUSED"))
    own = part(bare).replace("\nIN PROGRESS\n", "\nBLOCKED\n")
    assert update_log(own, [bare._replace(status="PAUSED")]) == own.replace(": IN PROGRESS -->", ": PAUSED -->")


def test_entries_of_others_stay_and_a_deleted_one_comes_back() -> None:
    assert update_log(part(_B), [_PAUSED]) == part(_B, _PAUSED)
    assert logged_sessions(part(_A, _B)) == {("a", _A.created), ("b", _B.created)}


@pytest.mark.parametrize(
    ("edited", "said"),
    [
        (f"x\n{BEGIN}\n{text(_A)}", f"line 2 begins .* Add this line after its last entry: {END}"),
        (f"{text(_A)}{END}\n", f"line 6 ends .* Add this line before its first entry: {BEGIN[:24]}"),
        (f"{part(_A)}{part(_B)}", "begins in 1, 8 and ends in 7, 14. Keep one"),
        (f"{END}\n{BEGIN}\n", "begins in 2 and ends in 1. Keep one"),
        (f"{BEGIN}\n{END}\n{END}\n", "begins in 1 and ends in 2, 3. Keep one"),
    ],
)
def test_edited_marks_are_named_and_nothing_is_changed(edited: str, said: str) -> None:
    for ask in (lambda: update_log(edited, [_A]), lambda: logged_sessions(edited)):
        with pytest.raises(SessionError) as error:
            ask()
        assert error.match(said)
