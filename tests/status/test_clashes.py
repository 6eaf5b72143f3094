"""Conflicts that git can't see: migrations with the same number, and lock files."""

from pathlib import Path

import pytest

from tasks.status import clash_rules
from testing import sessions
from testing.project import Project

_BEFORE = {
    "shop/migrations/0001_initial.py": "", "app/versions/a1.py": 'revision = "a1"\ndown_revision = None\n',
    "web/package-lock.json": "".join(f"{number}\n" for number in range(30)),
}  # fmt: skip
_PAIRS = {
    "Django migration 0002": ("shop/migrations/0002_a.py", "shop/migrations/0002_b.py"),
    "Alembic revision after a1": ("app/versions/b.py", "app/versions/c.py"),
    "Rails migration 20260101": ("db/migrate/20260101_a.rb", "db/migrate/20260101_b.rb"),
    "Prisma migration 7": ("prisma/migrations/7_a/migration.sql", "prisma/migrations/7_b/migration.sql"),
    "Flyway migration 1.2": ("sql/V1_2__a.sql", "sql/V1.2__b.sql"),
}
_ALEMBIC = 'revision: str = "b"\ndown_revision: Union[str, None] = "a1"\n'


@pytest.fixture
def started(sandbox: Path) -> Project:
    """Return a repository with migrations and a lock file."""
    return sessions.repository(sandbox / "dev" / "tally", _BEFORE)


@pytest.mark.parametrize("what", _PAIRS)
@pytest.mark.parametrize("committed", [True, False])
def test_the_same_number_in_two_sessions_is_a_conflict(started: Project, what: str, committed: bool) -> None:
    one, other = ({path: _ALEMBIC} for path in _PAIRS[what])
    tree = sessions.add(started, "x", one if committed else None)
    sessions.write(tree, one)
    sessions.add(started, "y", other)

    said = started.inv("session.conflicts", code=1).out

    rule = next(rule for rule in clash_rules.NUMBERS if what.startswith(rule.what))
    assert f"x and y both add {what}: {', '.join(sorted(_PAIRS[what]))}\n{rule.fix}\n" in said
    assert f"both add {what}" in started.inv("session.list").err
    (found,) = started.inv("session.conflicts", "x", "--json", code=1).json
    assert (found["kind"], found["against"], found["fix"]) == ("conflict", "session", rule.fix)


def test_what_follows_each_other_or_is_elsewhere_is_none(started: Project) -> None:
    sessions.add(started, "x", {"shop/migrations/0002_a.py": "", "app/versions/b.py": _ALEMBIC})
    later = _ALEMBIC.replace('"a1"', '"b"')
    sessions.add(
        started,
        "y",
        {
            "blog/migrations/0002_b.py": "",
            "shop/migrations/0001_b.py": "",
            "shop/migrations/0003_b.py": "",
            "app/versions/c.py": later,
        },
    )
    sessions.add(started, "z", {"shop/migrations/0001_initial.py": "changed\n"})

    assert started.inv("session.conflicts").out == "No conflicts.\n"


def test_one_lock_file_of_two_sessions_is_a_conflict_though_git_merges_it(started: Project) -> None:
    text = _BEFORE["web/package-lock.json"]
    sessions.add(started, "x", {"web/package-lock.json": f"x\n{text}"})
    sessions.add(started, "y", {"web/package-lock.json": f"{text}y\n"})

    said = started.inv("session.conflicts", code=1).out

    assert "x and y both change the lock file: web/package-lock.json\n" in said
    assert "Merge one, sync the other, then run there: npm install\n" in said


def test_a_lock_file_that_the_base_changed_too_is_a_conflict_until_a_sync(started: Project) -> None:
    path, text = "web/package-lock.json", _BEFORE["web/package-lock.json"]
    sessions.add(started, "x", {path: f"x\n{text}"})
    sessions.add(started, "y", {path: f"{text}y\n"})
    sessions.add(started, "z", {path: f"x\n{text}"})

    found = started.inv("session.conflicts", code=1).out
    assert "x and y both change" in found and "x and z both change" not in found  # they have the same
    said = started.inv("session.merge", "--all", code=1)

    assert "Merged x into main" in said.out
    assert "Stopped at y. Merged before it: x." in said.err
    fact = f"y and its base main both change the lock file: {path}\nSync y, then run there: npm install\n"
    assert fact in said.err
    assert fact in started.inv("session.conflicts", "y", code=1).out
    assert started.inv("session.conflicts", "z").out == "No conflicts.\n"
    started.inv("session.sync", "y")
    assert "Merged y into main" in started.inv("session.merge", "y,z").out


def test_several_are_not_merged_over_a_number_that_the_base_got(started: Project) -> None:
    sessions.add(started, "x", {"shop/migrations/0002_a.py": ""})
    sessions.add(started, "y", {"shop/migrations/0002_b.py": ""})

    said = started.inv("session.merge", "--all", code=1)

    assert "Merged x into main" in said.out
    assert "Stopped at y. Merged before it: x." in said.err
    assert "y and its base main both add Django migration 0002" in said.err
    assert started.git("ls-tree", "--name-only", "main", "shop/migrations/").count("0002") == 1


def test_a_new_file_of_two_sessions_is_a_conflict_unless_they_agree(started: Project) -> None:
    one = sessions.add(started, "x", {"same": "s\n", "new": "one\n", "empty": "", "web/yarn.lock": "a\n"})
    other = sessions.add(started, "y", {"same": "s\n", "empty": "not\n"})
    sessions.write(other, {"new": "two\n"})  # not committed yet

    said = started.inv("session.conflicts", code=1).out

    assert "x and y both add, with different content: empty, new\n" in said  # git merges the first
    assert f"or make them the same. Compare: diff {one}/empty {other}/empty\n" in said
    kinds = {tuple(each["files"]): each["kind"] for each in started.inv("session.conflicts", "--json", code=1).json}
    assert kinds == {("empty", "new"): "conflict", ("same",): "overlap"}
    assert "both add, with different content" in started.inv("session.list").err
    sessions.commit(started, started.main, {"new": "of main\n"})
    assert "x and its base main both add, with different content: new\nGive one" in (
        started.inv("session.conflicts", code=1).out
    )
    sessions.write(other, {"new": "one\n", "empty": ""})
    kinds = {
        tuple(each["files"]): each["kind"] for each in started.inv("session.conflicts", "x", "--json", code=1).json
    }
    assert kinds == {("empty", "new", "same"): "overlap", ("new",): "conflict"}
