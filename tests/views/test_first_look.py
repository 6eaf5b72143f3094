"""What happens until the sessions are on the screen: nothing twice, and nothing that they don't need."""

import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from textual.css import parse, stylesheet

from tasks.tools import worktree_status
from tasks.views.dashboard.app import Dashboard
from testing import sessions
from testing.dashboards import Shown, names, run, shows
from testing.project import CHECKOUT, Project


@pytest.fixture
def quick(sandbox: Path) -> Project:
    """Return a repository with two sessions."""
    project = sessions.repository(sandbox / "dev" / "quick", {"a.txt": "one\n"})
    for name in ("auth", "ui"):
        sessions.add(project, name)
    return project


def test_no_part_of_the_stylesheet_is_read_twice_and_only_the_list_is_asked_for(
    quick: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: Counter[tuple[str, int]] = Counter()
    asked: list[set[str]] = []
    show = Dashboard.show

    def counting(scope: str, css: str, *more: Any, **words: Any) -> Any:
        parsed[css, words["tie_breaker"]] += 1  # Textual itself reads one at several places
        return parse.parse(scope, css, *more, **words)

    def shown_first(self: Dashboard) -> None:
        show(self)
        if self.painted_at:
            asked.append(set(self.feed._wake))

    monkeypatch.setattr(stylesheet, "parse", counting)
    monkeypatch.setattr(Dashboard, "show", shown_first)

    async def story(shown: Dashboard, _pilot: Shown) -> None:
        assert names(shown) == ["auth", "ui"]
        assert [css for css, count in parsed.items() if count > 1] == []

    run(quick, story, waits=False)
    assert asked[0] == {"sessions"}


def test_no_file_is_read_by_who_draws_the_list_so_that_no_disk_holds_the_keys(
    quick: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (admin,) = (quick.main / ".git" / "worktrees").glob("*auth")
    (admin / "rebase-merge").mkdir()
    listed, drawing = worktree_status.list_operations_in, threading.current_thread()

    def elsewhere(directory: Path) -> list[Path]:
        assert threading.current_thread() is not drawing
        return listed(directory)

    monkeypatch.setattr(worktree_status, "list_operations_in", elsewhere)

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await shows(pilot, "rebase")
        shown.show()

    run(quick, story)


def test_what_only_dialogs_need_is_not_imported_before_they_are_opened() -> None:
    ask = "import sys, tasks.views.dashboard.app; print(*sorted(name for name in sys.modules))"

    loaded = subprocess.run([sys.executable, "-c", ask], cwd=CHECKOUT, capture_output=True, text=True, check=True)

    for name in ("tasks.views.dashboard.forms", "textual.widgets._text_area"):
        assert name not in loaded.stdout.split()
