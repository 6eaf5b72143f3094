"""What is different on macOS, as far as it can be shown elsewhere: ports, disks, names, links."""

import fcntl
import os
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from tasks.store import ports
from tasks.system import files, listening
from testing import port_slot
from testing.project import Project


@pytest.mark.parametrize("taken", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_port_is_free_only_if_it_is_on_every_address(taken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """There a listener on all addresses does not keep us from listening on one of them."""
    monkeypatch.setattr(ports, "_can_listen", lambda address, port: (address, port) != (taken, 5000))

    assert ports.choose_ports({"frontend_port": 5000}, set()) == {"frontend_port": 5001}


def _process(pid: int, name: str, *listening: int) -> Any:
    """Return a process as psutil shows it there; one without a *name* is another user's."""
    heard = [SimpleNamespace(laddr=SimpleNamespace(port=port), status="LISTEN") for port in listening]

    def connections(_kind: str) -> Any:
        if not name:
            raise psutil.AccessDenied(pid)
        return heard

    return SimpleNamespace(pid=pid, net_connections=connections, name=lambda: name, cwd=lambda: "/", environ=dict)


def test_who_listens_is_asked_of_each_process_where_only_root_may_ask_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_kind: str) -> None:
        raise psutil.AccessDenied(0)

    running = {each.pid: each for each in (_process(1, ""), _process(7, "ControlCenter", 5000, 5000, 7000))}
    monkeypatch.setattr(psutil, "net_connections", refused)
    monkeypatch.setattr(psutil, "process_iter", lambda: iter(running.values()))
    monkeypatch.setattr(psutil, "Process", running.get)
    assert listening.who_listens(5000) == "process 7 (ControlCenter)"
    assert listening.who_listens(5001) == "a hidden process"

    monkeypatch.setattr(sys, "platform", "darwin")
    assert listening.who_listens(5000).startswith("process 7 (ControlCenter) (on macOS AirPlay Receiver uses it")
    assert listening.who_listens(8000) == "a hidden process"


def test_the_first_session_is_told_why_it_has_another_port(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        first = server.getsockname()[1]
        (Path.home() / ".invoke.yaml").write_text(
            f"session: {{ports: {{backend_port: {8000 + port_slot.own()}, frontend_port: {first}}}}}"
        )
        said = project.inv("session.add", "x").err
        assert f"Port {first} is taken by process {os.getpid()} (" in said
        assert "is taken" not in project.inv("session.add", "y").err


def test_what_is_written_reaches_the_disk_and_not_only_its_memory(
    sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def refuse(_descriptor: int, command: int) -> None:
        asked.append(command)
        raise OSError("not on this file system")

    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: asked.append("fsync"))
    monkeypatch.setattr(fcntl, "fcntl", lambda _descriptor, command: asked.append(command))
    files.write_whole(sandbox / "file", "text")
    assert asked == [51]

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    files.write_whole(sandbox / "file", "text")
    assert asked == [51, 51, "fsync"]


def test_names_that_differ_in_case_only_are_refused_where_they_are_one_file(project: Project) -> None:
    project.git("branch", "topic")
    project.git("config", "core.ignorecase", "true")
    project.inv("session.add", "feature")
    before = project.world()

    assert "Feature and session feature differ only in upper" in project.inv("session.add", "Feature", code=1).err
    for name in ("Topic", "TOPIC/more", "Feature/more", "Main"):
        assert "Git can't have both branches" in project.inv("session.add", name, code=1).err
    assert project.world() == before

    project.inv("session.remove", "feature")
    project.git("branch", "FEATURE")
    assert "Git can't have both branches" in project.inv("session.restore", "feature", code=1).err
    project.git("config", "core.ignorecase", "false")
    project.inv("session.restore", "feature")


def test_names_of_sessions_that_differ_in_case_only_are_refused_everywhere(project: Project) -> None:
    project.git("config", "core.ignorecase", "false")
    project.configure("session: {windows: [], ports: {}, copy: [], link: [], env: {}}\n")
    said = "differ only in upper and lower case. Choose another NAME."
    project.inv("session.add", "auth")
    project.inv("session.add", "other")

    assert said in project.inv("session.add", "AUTH", code=1).err
    assert said in project.inv("session.rename", "other", "Auth", code=1).err
    assert said in project.inv("session.adopt", "Auth", code=1).err
    project.inv("session.rename", "auth", "AUTH")
    project.inv("session.remove", "AUTH")
    project.inv("session.add", "auth")
    project.inv("session.restore", "AUTH")  # on this disk both have room, and an undo is one
    assert {each["name"] for each in project.inv("session.list", "--json").json} == {"auth", "AUTH", "other"}


def test_a_worktree_behind_a_link_is_known_by_its_real_path(project: Project, sandbox: Path) -> None:
    """As below /tmp, which is a link there."""
    (sandbox / "real").mkdir()
    (sandbox / "link").symlink_to(sandbox / "real")
    project.configure(f"session: {{worktree: '{sandbox}/link/{{project}}-{{slug}}'}}")
    worktree, before = sandbox / "real" / "tally-x", project.world()

    project.inv("session.add", "x")

    assert project.row("x")["worktree"] == str(worktree)
    shown = project.inv("session.show", "--json", cwd=sandbox / "link" / "tally-x" / "backend").json
    assert (shown["name"], shown["status"] in ("running", "partial")) == ("x", True)
    project.inv("session.remove", "x")
    assert project.world() == before


def test_paths_are_the_same_through_links_and_in_either_form_of_a_letter(sandbox: Path) -> None:
    (sandbox / "real" / "x").mkdir(parents=True)
    (sandbox / "link").symlink_to(sandbox / "real")

    assert files.is_same_place(sandbox / "link" / "x", sandbox / "real" / "x")
    assert files.is_same_place(sandbox / "gone" / "\u00e9", sandbox / "gone" / "e\u0301")
    assert not files.is_same_place(sandbox / "real", sandbox / "real" / "x")
    assert not files.is_same_place(sandbox / "gone", sandbox / "real")
