"""The dashboard's parts without a screen, and `pick`."""

from tasks.views import tables
from tasks.views.dashboard import picker
from testing.project import Project


def test_letters_of_one_session_only_need_no_question() -> None:
    names = ["bugfix", "bugfix-ui", "feature"]

    assert [picker.pick_name(names, letters) for letters in ("bugfix", "fxu", "ea")] == [
        "bugfix",
        "bugfix-ui",
        "feature",
    ]


def test_a_table_leaves_out_columns_for_which_there_is_no_room() -> None:
    titles, rows = ["name", "branch", "state", "age"], [["x" * 10, "b" * 10, "running", "0m"]]

    assert "branch" in tables.fit_table(titles, rows, 0)
    assert tables.fit_table(titles, rows, 38) == tables.fit_table(titles, rows, 0)
    narrow = tables.fit_table(titles, rows, 30).splitlines()
    assert (narrow[0].split(), narrow[-1]) == (["name", "state", "age"], "(hidden: branch; widen the terminal)")
    assert "name" in tables.fit_table(titles, rows, 5)


def test_without_a_terminal_they_say_what_to_use_instead(project: Project) -> None:
    for task in ("watch", "pick"):
        assert "Run: inv session.list --json" in project.inv(f"session.{task}", code=1).err
