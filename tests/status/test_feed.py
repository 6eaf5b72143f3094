"""The feed of the dashboard: what is known comes at once, and one session that hangs delays nobody."""

import threading
from pathlib import Path

import pytest

from tasks.errors import SilentError
from tasks.model import Repository, Session
from tasks.status import attention, feed, shown_rows, worktree_looks
from tasks.status.worktree_looks import Look
from testing import sessions
from testing.project import eventually


@pytest.fixture
def several(sandbox: Path) -> tuple[Repository, list[Session]]:
    """Return a repository with three sessions that have a worktree and nothing else."""
    project = sessions.repository(sandbox / "dev" / "quick", {"a.txt": "one\n"})
    for name in "abc":
        sessions.add(project, name, {f"{name}.txt": "changed\n"})
    return Repository(project.main, project.main / ".git"), sessions.all_of(project)


def test_one_session_that_hangs_delays_nobody_and_keeps_what_was_known(
    several: tuple[Repository, list[Session]], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, listed = several
    look, hangs, waits = worktree_looks.look_at_worktree, threading.Event(), threading.Event()

    def slow(session: Session) -> Look:
        if session.name == "b" and hangs.is_set():
            waits.wait(60)
        return look(session)

    monkeypatch.setattr(worktree_looks, "look_at_worktree", slow)
    hangs.set()
    shown = feed.Feed([shown_rows.Source(repository, lambda: listed)], 0.1)
    shown.start()

    def rows() -> dict[str, shown_rows.Row]:
        return {row.session.name: row for row in shown.rows()}

    eventually(lambda: len(rows()) == 3)
    eventually(lambda: all("git" not in rows()[name].pending for name in "ac"))
    assert ("git" in rows()["b"].pending, rows()["b"].status.state) == (True, "stopped")
    waits.set()
    eventually(lambda: shown.complete_at)
    assert {name: row.status.ahead for name, row in rows().items()} == {"a": 1, "b": 1, "c": 1}

    def silent(session: Session) -> Look:
        found = look(session)
        return found if session.name != "b" else found._replace(work=None, failure=SilentError("git", "status", 5))

    monkeypatch.setattr(worktree_looks, "look_at_worktree", silent)
    shown.hurry()
    eventually(lambda: rows()["b"].status.silence)
    assert (rows()["b"].status.ahead, rows()["b"].status.state) == (1, "stopped")  # as they were known last
    shown.stop()
    shown.join(20)


def test_a_listing_that_fails_is_told_and_what_was_known_stays(several: tuple[Repository, list[Session]]) -> None:
    repository, listed = several
    failures: list[OSError] = []

    def listing() -> list[Session]:
        if failures:
            raise failures[0]
        return listed

    shown = feed.Feed([shown_rows.Source(repository, listing)], 0.1)
    shown.start()
    eventually(lambda: len(shown.rows()) == 3)
    failures.append(OSError("no space"))
    eventually(lambda: shown.troubles.get("sessions") == "no space")
    assert len(shown.rows()) == 3
    failures.clear()
    eventually(lambda: not shown.troubles["sessions"])
    listed.pop()
    eventually(lambda: len(shown.rows()) == 2)
    shown.stop()
    shown.join(20)


def test_who_needs_a_person_comes_first(several: tuple[Repository, list[Session]]) -> None:
    repository, listed = several
    shown = feed.Feed([shown_rows.Source(repository, lambda: listed)], 0.1)
    shown.start()
    eventually(lambda: shown.complete_at)
    shown.stop()
    shown.join(20)
    status = shown.rows()[0].status._replace(state="running")

    def ranked(state: str, what: str = "", since: str = "2026-01-01T00:00:00+00:00") -> tuple[int, float]:
        talk = status.talk._replace(state=state, what=what, since=since)
        return attention.urgency(status._replace(talk=talk), {})

    order = [ranked("waiting"), ranked("waiting", since="2026-01-02T00:00:00+00:00"), ranked("failed"),
             ranked("idle", "done", "2026-01-02T00:00:00+00:00"), ranked("idle", "done"), ranked("working"),
             ranked("idle")]  # fmt: skip
    assert order == sorted(order)
    seen = {status.session.tmux: float("inf")}  # somebody is there, so it isn't news that it has finished
    talk = status.talk._replace(state="idle", what="done", since="2026-01-01T00:00:00+00:00")
    assert attention.urgency(status._replace(talk=talk), seen)[0] == attention.CLASSES.index("idle")
