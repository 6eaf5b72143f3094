from tasks.system import table


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    assert table.format_table([["feature", "up"]], ["name", "state"]).splitlines() == [
        "name     state", "-------  -------", "feature  up",
    ]  # fmt: skip


def test_wide_letters_are_measured() -> None:
    assert table.format_table([["会議", "up"]], ["name", "state"]).splitlines() == [
        "name    state", "------  -------", "会議    up",
    ]  # fmt: skip
