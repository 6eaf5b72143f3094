"""`session.open`: the page, the editor, the directory and a window of a session."""

from pathlib import Path

import pytest

from tasks.model import Repository, Session
from tasks.status import pages
from tasks.store import ports as ports_module
from testing.project import INV, Project, eventually
from testing.terminal import panes, runs, shows, tmux


def _stand_in(sandbox: Path, name: str, code: int = 0) -> str:
    """Make the program *name*, which notes its arguments, and return its path."""
    file = sandbox / "bin" / name
    file.write_text(f'#!/bin/sh\nfor each; do echo "$each"; done > {file}.log\nexit {code}\n')
    file.chmod(0o755)
    return str(file)


def test_page_editor_and_directory(project: Project, sandbox: Path) -> None:
    project.inv("session.add", "a/b")
    runs(project, "a/b")
    port, tree = project.row("a/b")["frontend_port"], project.worktree("a-b")
    browser, log = _stand_in(sandbox, "browser"), sandbox / "bin" / "browser.log"

    opened = project.inv("session.open", "a/b", env={"BROWSER": f"{browser} --new-tab"})

    assert opened.out == f"Opened http://localhost:{port}.\n"
    assert f"Other pages: http://localhost:{project.row('a/b')['backend_port']}" in opened.err
    assert log.read_text() == f"--new-tab\nhttp://localhost:{port}\n"
    nowhere = project.inv("session.open", "--browser", cwd=tree, env={"DISPLAY": "", "WAYLAND_DISPLAY": ""})
    assert nowhere.out == f"http://localhost:{port}\n"
    assert "There is no browser on this machine" in nowhere.err
    broken = _stand_in(sandbox, "broken", 3)
    said = project.inv("session.open", "a/b", env={"BROWSER": broken}, code=1).err
    assert said == f"{broken} failed (exit code 3).\nOpen it yourself: http://localhost:{port}\n"

    assert project.inv("session.open", "a/b", "--path").out == f"{tree}\n"
    editor = {"VISUAL": f"{_stand_in(sandbox, 'code')} --wait --reuse-window"}
    project.inv("session.open", "a/b", "--editor", env=editor)
    assert (sandbox / "bin" / "code.log").read_text() == f"--reuse-window\n{tree}\n"
    without = project.inv("session.open", "a/b", "--editor", env={"VISUAL": "vim -n"}, code=1).err
    assert without == f"vim needs a terminal.\nOpen it yourself: {project.worktree('a-b')}\n"
    project.git("config", "core.editor", broken)  # git's own is before it
    assert "failed (exit code 3)" in project.inv("session.open", "a/b", "--editor", env=editor, code=1).err
    assert "Give one of" in project.inv("session.open", "a/b", "--editor", "--path", code=1).err

    project.inv("session.stop", "a/b")
    said = project.inv("session.open", "a/b", code=1).err
    assert said.startswith(f"http://localhost:{port} doesn't respond.\nRun: inv session.start a/b --wait\n")


def test_a_window(project: Project) -> None:
    project.inv("session.add", "a")
    tmux("new-session", "-d", "-s", "mine", "-x", "100", "-y", "20", "-c", str(project.main), "bash", "--norc")
    (pane,) = panes("mine", "#{pane_id}")
    line = "clear; TMUX= tmux attach -t =mine"  # so that there is a client, which can be switched
    tmux("new-session", "-d", "-s", "outer", "-x", "100", "-y", "20", line)
    eventually(lambda: tmux("list-clients", "-F", "#{session_name}").split() == ["mine"])

    tmux("send-keys", "-t", pane, f"{INV} session.open a --window nothing", "Enter")
    shows(pane, 'a has no window "nothing". Its windows: ')
    tmux("send-keys", "-t", pane, f"clear; {INV} session.open a --window cli", "Enter")

    eventually(lambda: tmux("list-clients", "-F", "#{session_name} #{window_name}").split() == ["tally-a", "cli"])


def test_the_page_for_people_is_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def listed(up: set[int], **ports: int) -> list[str]:
        monkeypatch.setattr(ports_module, "answering_ports", lambda _ports: up)
        place = Repository(Path("/x"), Path("/x/.git"))
        session = Session("a", "a", place, Path("/x-a"), "a", ports, "x-a", variables={
            key: f"http://localhost:{port}" for key, port in ports.items()})  # fmt: skip
        return [each.name for each in pages.list_pages(session)]

    assert listed({1, 2, 3}, api_port=1, admin_port=2, web_port=3) == ["web", "admin", "api"]
    assert listed({3}, docs_port=1, api_port=2, admin_port=3) == ["admin", "docs", "api"]
