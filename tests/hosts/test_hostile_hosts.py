"""Hosts that answer what they should not, or without end."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import SessionError
from tasks.hosts import branches, group, move, reach, setup, ssh
from tasks.hosts.host import Host
from tasks.model import Repository
from tasks.tools import git


def _host(name: str) -> Host:
    return Host(name, f"dev@{name}", "~/dev", 8, "python3", ("inv",), 5)


def test_an_answer_of_another_form_is_told_and_never_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    survey = {"sessions": {"x": {}}, "load": 0.5, "free": 1}
    odd: list[Any] = [None, True, 5, "text", [], [5], {}, {"a": 5}, float("nan"), {"state": []}, {"state": "ahead"}]
    odd += [{**survey, key: value} for key in survey for value in (None, "x", [5], {"x": 5}, True)]
    odd += [{**survey, "load": float("inf")}]
    for answer in odd:
        said = json.dumps(answer)
        with pytest.raises(SessionError, match=r"^a: unexpected answer: "):
            ssh.parse_answer(_host("a"), f"Welcome!\n{said}\n", group.SURVEY)
        monkeypatch.setattr(ssh, "ask_program", lambda *_asked, said=said, **_how: said.encode())
        for task in ("pack", "leave", "look"):
            with pytest.raises(SessionError, match=r"^a: unexpected answer: "):
                move.call_handover(_host("a"), task)
        for asked in (setup.make_checkout, lambda host, repository: branches.send_branch(repository, host, "x", "y")):
            monkeypatch.setattr(branches, "transfer_refs", lambda *_asked: None)
            monkeypatch.setattr(git, "resolve_commit", lambda *_asked: "y")
            monkeypatch.setattr(git, "read_git", lambda *_asked, **_how: "x")
            with pytest.raises(SessionError, match=r"^a: unexpected answer: "):
                asked(_host("a"), Repository(Path("/x"), Path("/x/.git")))

    assert ssh.parse_answer(_host("a"), json.dumps(survey), group.SURVEY) == survey


@pytest.mark.parametrize("where", ["out", "err"])
def test_a_host_that_never_stops_printing_is_ended(sandbox: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    here = Host("here", "", str(sandbox), 0, sys.executable, (), 60)
    monkeypatch.setattr(ssh, "_MOST", 1 << 20)
    endless = f"exec yes 1>&{1 if where == 'out' else 2}"

    with pytest.raises(SessionError, match="here: its answer is longer than 1 MB"):
        ssh.ask_program(here, ["bash", "-c", endless])

    monkeypatch.setattr(reach, "script_command", lambda *_asked: ["bash", "-c", endless])
    with pytest.raises(SessionError, match="here: its answer is longer than 1 MB"):
        setup.list_lacking(here, Repository(sandbox, sandbox / ".git"))

    sent = ssh.program_source
    monkeypatch.setattr(group, "_MOST", 1 << 20)
    monkeypatch.setattr(ssh, "program_source", lambda name: f"import os; os.execvp('bash', ['bash', '-c', {endless!r}])"
                        if name == "survey" else sent(name))  # fmt: skip
    assert "longer than 1 MB" in str(group.ask_everywhere([here], "survey")["here"])


def test_a_question_and_data_that_stop_moving_have_a_bound_in_time(
    sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Host("here", "", str(sandbox), 0, sys.executable, (), 60)
    with pytest.raises(SessionError, match=r"here: no answer within 0\.2 s"):
        ssh.ask_program(here, ["sleep", "5"], seconds=0.2)

    monkeypatch.setattr(ssh, "_STALLED", 0.5)
    silent = ssh.start_relay(here, ["sleep", "5"], stdout=subprocess.PIPE)  # its relay is killed, it is not
    stream = silent.stdout
    assert stream is not None
    with silent, pytest.raises(SessionError, match=r"here: nothing was transferred for 0\.5 s"):
        ssh.ask_program(here, ["cat"], lambda reader: reader.copy(stream), sources=[silent])


def test_a_source_that_complains_without_end_ends_a_move(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "_MOST", 1 << 20)
    source = Host("here", "", str(sandbox), 0, sys.executable, ("bash", "-c", "yes >&2"), 60)
    monkeypatch.setattr(move, "call_handover", lambda *_asked, **_how: {"digest": ""})
    packed = {
        **dict.fromkeys(("slug", "at", "main", "home", "worktree", "common"), "x"),
        "found": False,
        "branches": {},
    }

    with pytest.raises(SessionError, match="here: its answer is longer than 1 MB"):
        move._carry_files("x", packed, source, source)
