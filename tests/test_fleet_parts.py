"""What `fleet` decides, on plain values."""

import inspect
import io
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tasks import elsewhere, ns, ports
from tasks.errors import SessionError
from tasks.hosts import (
    adding,
    connection,
    finding,
    forwarding,
    handing,
    machine,
    openssh,
    preparing,
    relaying,
    room,
    table,
    translation,
)
from tasks.hosts.machine import Host
from tasks.hosts.sent import checkout, files
from tasks.model import Repository
from tasks.settings import load
from tests.project import CHECKOUT, Project


def _host(name: str, most: int = 8) -> Host:
    return Host(name, f"dev@{name}", "~/Dev/tally", most, "python3", ("inv",), 10)


def _answer(sessions: int, load: float = 0, free: int = 0) -> dict[str, Any]:
    return {"sessions": dict.fromkeys(map(str, range(sessions))), "load": load, "free": free}


@pytest.mark.parametrize(
    ("first", "second", "chosen"),
    [
        (_answer(2), _answer(1), "b"),
        (_answer(1, load=3.0), _answer(2, load=0), "a"),
        (_answer(1, load=1.5), _answer(1, load=0.3), "b"),
        (_answer(1, load=0.31, free=1), _answer(1, load=0.29, free=2), "b"),
    ],
)
def test_the_next_session_goes_where_there_is_most_room(
    first: dict[str, Any], second: dict[str, Any], chosen: str
) -> None:
    assert room.roomiest({_host("a"): first, _host("b"): second}).name == chosen


def test_room_is_relative_to_what_a_host_takes() -> None:
    assert room.roomiest({_host("small", 2): _answer(1), _host("large", 10): _answer(3)}).name == "large"


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        ({"devbox": {"host": "dev@devbox"}}, "session.hosts.devbox: expected a table with at least"),
        ({"devbox": {"host": "-oProxyCommand=x", "path": "~/x"}}, "session.hosts.devbox.host: "),
        ({"devbox": {"host": "a; rm", "path": "~/x"}}, "session.hosts.devbox.host: "),
        ({"devbox": {"host": "a", "path": "x"}}, "session.hosts.devbox.path: "),
        ({"devbox": {"host": "a", "path": "~/x", "max_sessions": 0}}, "session.hosts.devbox.max_sessions: "),
        ({"devbox": {"host": "a", "path": "~/x", "python": "$(x)"}}, "session.hosts.devbox.python: "),
        ({"devbox": {"host": "a", "path": "~/x", "user": "a"}}, "session.hosts.devbox.user: unknown key"),
        ({"here": {"host": "a", "path": "~/x"}}, "cannot name a host"),
        ({"-x": {"host": "a", "path": "~/x"}}, "cannot name a host"),
        (["devbox"], "expected a table"),
    ],
)
def test_a_host_that_is_wrong_is_named_by_its_key(hosts: object, said: str) -> None:
    with pytest.raises(SessionError, match=said.replace(".", r"\.")):
        load({"hosts": hosts})


def test_hosts_are_called_by_their_names() -> None:
    settings = load({"hosts": {"devbox": {"host": "dev@devbox", "path": "~/Dev/tally"}}, "host_timeout": "3"})

    found = machine.called("devbox", settings)

    assert (found.destination, found.max_sessions, found.timeout) == ("dev@devbox", 8, 3)
    assert found.inv == (".git/tally-sessions/venv/bin/inv",)
    with pytest.raises(SessionError, match="known: devbox"):
        machine.called("devbxo", settings)
    with pytest.raises(SessionError, match="no host is configured"):
        machine.configured(load({}))


def test_host_keys_are_always_verified() -> None:
    for argv in (openssh.program(_host("a")), openssh.interactive(_host("a"), ""), openssh.script(_host("a"))):
        assert argv[argv.index("StrictHostKeyChecking=yes") - 1] == "-o"
        assert argv[argv.index("BatchMode=yes") - 1] == "-o"
    assert "StrictHostKeyChecking=yes" in openssh.git_environment(_host("a"))["GIT_SSH_COMMAND"]


def test_why_a_host_does_not_answer_is_not_what_it_greets_with() -> None:
    noise = openssh.failure(_host("a"), 128, "fatal: protocol error: bad line length character: Welc\nfatal: x")
    assert "a: its shell prints something as it starts" in str(noise)

    shown = table.table({"a": SessionError("a: ** Authorized use only **\nthe checkout is not there")})
    assert "the checkout is not there" in shown
    assert "Authorized" not in shown


def test_a_session_that_arrives_cut_short_is_refused(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.create(str(sandbox / "here"), "main")
    monkeypatch.chdir(sandbox / "here")

    with pytest.raises(SessionError, match=r"could not be taken here: .+; nothing was changed"):
        handing.take({"slug": "x", "at": "y"}, io.BytesIO(b"cut"))


def test_setup_installs_what_the_collection_needs() -> None:
    (listed,) = re.findall(r"^dependencies = \[(.*?)\]", (CHECKOUT / "pyproject.toml").read_text(), re.M | re.S)

    assert {*preparing.REQUIREMENTS, "fabric>=3.2"} == set(re.findall(r'"(.+?)"', listed))


def test_a_task_elsewhere_takes_what_the_task_here_takes() -> None:
    session, over_there = ns.collections["session"].tasks, ns.collections["fleet"].tasks

    for name in {"add", "remove", "stop", "start", "resume", "show", "logs", "send", "run"} & set(session):
        flags = {argument.name for argument in session[name].get_arguments()} - {"all", "attach"}
        assert {argument.name for argument in over_there[name].get_arguments()} == flags | {"host"}


def test_what_was_asked_reaches_the_other_side_word_by_word() -> None:
    def task(c: object, name: str, text: str, lines: int = 50, keep_branch: bool = False, fetch: bool = True) -> None:
        del c, name, text, lines, keep_branch, fetch

    asked = {"name": "x", "text": "a 'b' $c\nd", "lines": 3, "keep_branch": True, "fetch": False}
    words = list(elsewhere.words(asked, list(inspect.signature(task).parameters.values())))

    assert words == ["--name=x", "--text=a 'b' $c\nd", "--lines=3", "--keep-branch", "--no-fetch"]


def test_a_row_is_translated_to_the_directories_of_the_other_machine() -> None:
    row = {
        "worktree": "/home/a/dev/tally-x", "project": "tally", "activate": ". /home/a/dev/tally/.venv/bin/activate",
        "variables": {"HERE": "/home/a/dev/tally-x/data", "MAIN": "/home/a/dev/tally", "OTHER": "/mnt/home/a/x"},
        "claude_entry": "/home/a/dev/tally-x", "archive": "", "backend_port": 8000,
        "agent": {"config": "/home/a/.claude"}, "tmux": "/home/a/dev/tally-xy",
    }  # fmt: skip
    packed = {"main": "/home/a/dev/tally", "home": "/home/a", "found": False}

    moved = translation.translated(row, packed, Repository(Path("/srv/b/tally"), Path("/srv/b/tally/.git")))

    assert moved["worktree"] == "/srv/b/tally-x"
    assert moved["activate"] == ". /srv/b/tally/.venv/bin/activate"
    assert moved["variables"]["HERE"] == "/srv/b/tally-x/data"
    assert moved["variables"]["MAIN"] == "/srv/b/tally"
    assert moved["variables"]["OTHER"] == "/mnt/home/a/x", "another directory whose name ends alike"
    assert moved["agent"]["config"] == str(Path.home() / ".claude")
    assert moved["tmux"] == str(Path.home() / "dev/tally-xy"), "a name that begins alike"
    assert "claude_entry" not in moved
    assert moved["backend_port"] == 8000


def test_files_arrive_with_modes_links_and_nothing_outside(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.mkdir()
    target.mkdir()
    (source / "secret").write_text("s")
    (source / "secret").chmod(0o600)
    os.link(source / "secret", source / "twice")
    (source / "link").symlink_to("secret")
    stream = io.BytesIO()
    files.pack(stream, [("top", str(source))])

    files.unpack(io.BytesIO(stream.getvalue()), str(target))

    assert (target / "top/secret").stat().st_mode & 0o777 == 0o600
    assert (target / "top/twice").read_text() == "s"
    assert (target / "top/link").readlink() == Path("secret")
    hostile = io.BytesIO()
    with tarfile.open(fileobj=hostile, mode="w|") as tar:
        tar.addfile(tarfile.TarInfo("top/../../out"))
    with pytest.raises(tarfile.TarError):
        files.unpack(io.BytesIO(hostile.getvalue()), str(target))


def test_a_branch_only_goes_forward(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = sandbox / "there"
    assert checkout.create(str(place), "main") == {"created": True}
    assert checkout.create(str(place), "main") == {"created": False}
    monkeypatch.chdir(place)
    tree = checkout.git("hash-object", "-w", "-t", "tree", os.devnull)
    first = checkout.git("commit-tree", tree, "-m", "first")
    second = checkout.git("commit-tree", tree, "-p", first, "-m", "second")
    other = checkout.git("commit-tree", tree, "-p", first, "-m", "other")

    states = [checkout.forward("main", commit, "")["state"] for commit in (first, first, second, first, other)]

    assert states == ["forwarded", "same", "forwarded", "ahead", "diverged"]
    assert checkout.git("rev-parse", "main") == second
    (sandbox / "full").mkdir()
    (sandbox / "full" / "file").write_text("")
    with pytest.raises(SystemExit, match="is no repository"):
        checkout.create(str(sandbox / "full"), "main")


def test_without_a_remote_the_base_is_that_of_an_add_here(sandbox: Path) -> None:
    checkout.create(str(sandbox / "here"), "main")
    repository = Repository(sandbox / "here", sandbox / "here" / ".git")

    assert adding._base("", load({"preset": "parallel"}), repository) == "HEAD"
    assert adding._base("v1", load({"preset": "parallel"}), repository) == "v1"


def test_a_port_that_is_taken_gets_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "free", lambda port: port not in (8000, 8001))

    assert forwarding.numbers({"a": 8000, "b": 8002, "c": 5000}) == {"a": 8002, "b": 8003, "c": 5000}


def test_what_a_host_says_of_a_session_is_checked() -> None:
    row = {"branch": "x", "base": "", "ports": {"a": 8000}}

    assert finding.checked(_host("a"), row) == row
    odd: list[dict[str, Any]] = [{key: 5} for key in ("branch", "base", "moved", "ports")]
    for fault in (*odd, {"branch": "x:refs/heads/main"}, {"branch": "--upload-pack=x"}, {"ports": {"a": "80:evil:80"}}):
        with pytest.raises(SessionError, match="a: "):
            finding.checked(_host("a"), {**row, **fault})


def test_what_a_host_lists_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    each = {"name": "x", "branch": "x", "status": "running", "claude": "off", "ahead": 0, "behind": 0, "dirty": False}
    each |= {"created": "", "ports": {"a": 8000}}
    answers: list[Any] = [[each], [5], {}, [{**each, "created": "soon"}], [{**each, "ports": [1]}], [{"name": "x"}]]
    found: dict[str, Any] = {f"h{n}": {"sessions": {}, "listed": answer} for n, answer in enumerate(answers)}
    monkeypatch.setattr(finding, "_own", lambda _place: SessionError("here: no"))
    monkeypatch.setattr(connection, "everywhere", lambda *_asked: found)
    settings = load({"hosts": {"h0": {"host": "a", "path": "~/b"}}})

    known = finding.everything(settings, Repository(tmp_path, tmp_path / ".git"))

    assert [line.split()[3] for line in table.table(known).splitlines()[3:4]] == ["8000"]
    assert [str(known[host]).partition(" {")[0] for host in list(found)[2:]] == [
        f"{host}: not understood:" for host in list(found)[2:]
    ]
    with pytest.raises(SessionError, match="a: not understood"):
        relaying.parse(_host("a"), "[" * 100_000)


def test_what_the_system_refuses_to_a_move_is_told_over_there_in_one_line(project: Project) -> None:
    task = ("--search-root", "tasks/hosts", "--collection", "handover", "pour", "--slug=x", "--at=y")

    assert project.inv(*task, code=1).err.endswith("removed/x/y: No such file or directory\n")


def test_output_exit_code_and_input_are_those_of_the_program(sandbox: Path) -> None:
    place = f"Host('here', '', {str(sandbox)!r}, 0, {sys.executable!r}, ('bash', '-c'), 0)"
    script = "cat; printf 'no\\xff' ; echo err >&2; exit 7"
    code = f"""from tasks.hosts import foreground
from tasks.hosts.machine import Host
raise SystemExit(foreground.run({place}, [{script!r}], reads=True))"""

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, input=b"in\0put", capture_output=True, check=False
    )

    assert (done.stdout, done.stderr, done.returncode) == (b"in\0putno\xff", b"err\n", 7)


def test_a_signal_that_is_held_is_not_passed_on(sandbox: Path) -> None:
    place = f"Host('here', '', {str(sandbox)!r}, 0, {sys.executable!r}, ({sys.executable!r}, '-c'), 0)"
    code = f"""import os
from tasks.hosts import foreground
from tasks.hosts.machine import Host
from tasks.machine import signals
script = f"import os, signal, sys, time; signal.signal(2, signal.SIG_DFL); os.kill({{os.getpid()}}, 2); time.sleep(0.2)"
with signals.held():
    raise SystemExit(foreground.run({place}, [script + "; print('up'); sys.exit(7)"], answers=False))"""

    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, check=False)

    assert (done.stdout, done.stderr, done.returncode) == (b"", b"up\n", 7)


def test_the_relay_ends_what_it_started_when_the_line_is_cut(sandbox: Path) -> None:
    here = Host("here", "", str(sandbox), 0, sys.executable, (), 0)
    script = "trap 'echo told >told; exit 7' HUP; touch up; while :; do sleep 0.05; done"
    process = relaying.start(here, ["bash", "-c", script], stderr=subprocess.DEVNULL)
    while not (sandbox / "up").exists():
        assert process.poll() is None
    assert process.stdin is not None
    process.stdin.close()

    assert process.wait(timeout=20) == 7
    assert (sandbox / "told").read_text() == "told\n"
