"""`fetch: background`: nobody waits for the remote, and an old base is said."""

from pathlib import Path

import pytest

from tasks.tools import background_fetch
from testing import sessions
from testing.origin import others_push, share
from testing.project import Project, eventually


def test_add_does_not_wait_for_a_remote_and_list_shows_what_came(project: Project, sandbox: Path) -> None:
    project.configure("session: {windows: [], base: origin/main, fetch: background}\n")
    share(project)
    others_push(project, "theirs", "")
    go, slow = sandbox / "go", sandbox / "slow"
    slow.write_text(f'#!/bin/sh\nwhile [ ! -e {go} ]; do sleep 0.1; done\nexec git-upload-pack "$@"\n')
    slow.chmod(0o755)
    project.git("config", "remote.origin.uploadpack", str(slow))

    project.inv("session.add", "x")

    assert project.listed("x")["behind"] == 0
    go.touch()
    eventually(lambda: project.listed("x")["behind"] == 1)


def test_what_came_while_the_session_was_added_is_said(project: Project) -> None:
    share(project)
    sessions.add(project, "x", base="origin/main")
    (session,) = sessions.all_of(project)
    others_push(project, "theirs", "")
    background_fetch.begin_fetch("origin/main", session.repository)
    background_fetch._begun[session.repository].process.wait(60)

    news = background_fetch.describe_news(session)

    assert news == "x is 1 commit behind origin/main.\nRun: inv session.sync x"
    assert background_fetch.describe_news(session) == ""


@pytest.mark.parametrize("base", ["HEAD", "v1"])
def test_a_base_without_a_remote_is_not_fetched(project: Project, base: str) -> None:
    sessions.add(project, "x")
    (session,) = sessions.all_of(project)
    background_fetch.begin_fetch(base, session.repository)

    assert session.repository not in background_fetch._begun
