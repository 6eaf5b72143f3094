"""What `fleet` decides, on plain values."""

import inspect
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tasks import fleet
from tasks.collection import ns
from tasks.commands import fleet_flags
from tasks.config.settings import parse_settings
from tasks.errors import SessionError
from tasks.hosts import (
    add,
    choose,
    find,
    group,
    handover_arrival,
    handover_steps,
    host,
    reach,
    remote_run,
    requirements,
    ssh,
)
from tasks.hosts.host import Host, host_called
from tasks.hosts.remote_scripts import checkout, files
from tasks.model import Repository, Session
from tasks.plan import remove
from tasks.store import archive
from tasks.system.version import VERSION
from tasks.tools import git
from tasks.views import tables
from testing.project import CHECKOUT, Project


def _host(name: str, most: int = 8) -> Host:
    return Host(name, f"dev@{name}", "~/Dev/tally", most, "python3", ("inv",), 10)


def _answer(sessions: int, load: float = 0, free: int = 0) -> dict[str, Any]:
    return {"sessions": dict.fromkeys(map(str, range(sessions))), "load": load, "free": free}


def _best(answers: dict[Host, dict[str, Any]]) -> str:
    return min(answers, key=lambda each: choose.rank_host(each, answers[each])).name


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
    assert _best({_host("a"): first, _host("b"): second}) == chosen


def test_room_is_relative_to_what_a_host_takes() -> None:
    assert _best({_host("small", 2): _answer(1), _host("large", 10): _answer(3)}) == "large"
    assert _best({_host("a"): {**_answer(1), "disk": 1 << 30}, _host("b"): {**_answer(1), "disk": 1 << 40}}) == "b"


def test_a_host_without_free_disk_takes_no_session() -> None:
    full = {**_answer(0), "disk": 100 << 20}

    assert choose.hosts_with_room({_host("a"): full, _host("b"): _answer(2)}) == {_host("b"): _answer(2)}
    with pytest.raises(SessionError, match=r"a has only 0\.1 GB of free disk"):
        choose.hosts_with_room({_host("a"): full})


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        ({"devbox": {"host": "dev@devbox"}}, "session.hosts.devbox must be a table with at least"),
        ({"devbox": {"host": "-oProxyCommand=x", "path": "~/x"}}, "session.hosts.devbox.host: "),
        ({"devbox": {"host": "a; rm", "path": "~/x"}}, "session.hosts.devbox.host: "),
        ({"devbox": {"host": "a", "path": "x"}}, "session.hosts.devbox.path: "),
        ({"devbox": {"host": "a", "path": "~/x", "max_sessions": 0}}, "session.hosts.devbox.max_sessions must be "),
        ({"devbox": {"host": "a", "path": "~/x", "python": "$(x)"}}, "session.hosts.devbox.python: "),
        ({"devbox": {"host": "a", "path": "~/x", "user": "a"}}, "session.hosts.devbox.user is not a setting."),
        ({"devbox": {"via": "docker 'x", "path": "~/x"}}, "session.hosts.devbox.via: "),
        ({"devbox": {"host": "a", "path": "~/x", "labels": "gpu"}}, "session.hosts.devbox.labels must be a list"),
        ({"here": {"host": "a", "path": "~/x"}}, "is not a valid name for a host"),
        ({"-x": {"host": "a", "path": "~/x"}}, "is not a valid name for a host"),
        (["devbox"], "must be a table"),
    ],
)
def test_a_host_that_is_wrong_is_named_by_its_key(hosts: object, said: str) -> None:
    with pytest.raises(SessionError, match=said.replace(".", r"\.")):
        parse_settings({"hosts": hosts})


def test_hosts_are_called_by_their_names() -> None:
    settings = parse_settings({"hosts": {"devbox": {"host": "dev@devbox", "path": "~/Dev/tally"}}, "host_timeout": "3"})

    found = host.host_called("devbox", settings)

    assert (found.destination, found.max_sessions, found.timeout) == ("dev@devbox", 8, 3)
    assert found.inv == (".git/tally-sessions/venv/bin/inv",)
    with pytest.raises(SessionError, match='Did you mean "devbox"'):
        host.host_called("devbxo", settings)
    with pytest.raises(SessionError, match="No hosts are configured"):
        host.configured_hosts(parse_settings({}))


def test_host_keys_are_always_verified() -> None:
    for argv in (
        reach.program_command(_host("a")),
        reach.interactive_command(_host("a"), ""),
        reach.script_command(_host("a")),
    ):
        assert argv[argv.index("StrictHostKeyChecking=yes") - 1] == "-o"
        assert argv[argv.index("BatchMode=yes") - 1] == "-o"
    assert "StrictHostKeyChecking=yes" in reach.git_environment(_host("a"))["GIT_SSH_COMMAND"]


def test_why_a_host_does_not_answer_is_not_what_it_greets_with() -> None:
    noise = ssh.ssh_failure(_host("a"), 128, "fatal: protocol error: bad line length character: Welc\nfatal: x")
    assert "a: its shell prints something as it starts" in str(noise)

    shown = tables.fleet_table({"a": SessionError("a: ** Authorized use only **\nthe checkout is not there")})
    assert "the checkout is not there" in shown
    assert "Authorized" not in shown


def test_a_session_that_arrives_cut_short_is_refused(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.create(str(sandbox / "here"), "main")
    monkeypatch.chdir(sandbox / "here")

    sent = {"slug": "x", "at": "y", "main": "/a/tally", "worktree": "/a/tally-x"}
    with pytest.raises(SessionError, match=r"Couldn't unpack the session: .+\. Nothing was changed\."):
        handover_arrival.take_archive(sent, io.BytesIO(b"cut"))


def test_setup_installs_what_the_collection_needs() -> None:
    (listed,) = re.findall(r"^dependencies = \[(.*?)\]", (CHECKOUT / "pyproject.toml").read_text(), re.M | re.S)

    assert {*requirements.REQUIREMENTS} == set(re.findall(r'"(.+?)"', listed))


def test_an_installed_package_comes_to_a_host_as_it_came_here() -> None:
    repository, commit = Repository(Path("/a/tally"), Path("/a/tally/.git")), "0" * 40
    wheel = "vendor/tally_sessions-0.1.0-py3-none-any.whl"
    pushed = {"url": "https://x/y.git", "vcs_info": {"vcs": "git", "commit_id": commit}}

    made = [
        requirements.own_requirement(each, repository) for each in (pushed, {"url": f"file:///a/tally/{wheel}"}, {})
    ]

    assert made == [f"tally-sessions @ git+https://x/y.git@{commit}", f"./{wheel}", f"tally-sessions=={VERSION}"]


def test_a_task_elsewhere_takes_what_the_task_here_takes() -> None:
    session, over_there = ns.collections["session"].tasks, ns.collections["fleet"].tasks

    assert set(remote_run.IN_FLEET) <= set(session) & set(over_there), "what a host says to type is there"
    for name in fleet._TASKS:
        left_out = {"all", "attach"} - ({"all"} if name in fleet._ALL else set())
        flags = {argument.name for argument in session[name].get_arguments()} - left_out
        assert {argument.name for argument in over_there[name].get_arguments()} == flags | {
            "host",
            *fleet._MORE.get(name, {}),
        }


def test_what_was_asked_reaches_the_other_side_word_by_word() -> None:
    def task(c: object, name: str, text: str, lines: int = 50, keep_branch: bool = False, fetch: bool = True) -> None:
        del c, name, text, lines, keep_branch, fetch

    asked = {"name": "x", "text": "a 'b' $c\nd", "lines": 3, "keep_branch": True, "fetch": False}
    words = list(fleet_flags.flag_words(asked, list(inspect.signature(task).parameters.values())))

    assert words == ["--name=x", "--text=a 'b' $c\nd", "--lines=3", "--keep-branch", "--no-fetch"]


def test_a_row_is_translated_to_the_directories_of_the_other_machine() -> None:
    row = {
        "worktree": "/home/a/dev/tally-x", "project": "tally", "activate": ". /home/a/dev/tally/.venv/bin/activate",
        "variables": {"HERE": "/home/a/dev/tally-x/data", "MAIN": "/home/a/dev/tally", "OTHER": "/mnt/home/a/x"},
        "claude_entry": "/home/a/dev/tally-x", "archive": "", "backend_port": 8000,
        "agent": {"config": "/home/a/.claude"}, "tmux": "/home/a/dev/tally-xy",
    }  # fmt: skip
    packed = {"main": "/home/a/dev/tally", "home": "/home/a", "found": False}

    moved = handover_arrival.translate_row(row, packed, Repository(Path("/srv/b/tally"), Path("/srv/b/tally/.git")))

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


def _stream(*members: tuple[str, bytes, str]) -> io.BytesIO:
    """Return a tar stream of members: a name, a kind and where a link leads, or what a file holds."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w|") as tar:
        for name, kind, to in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, to if kind == tarfile.SYMTYPE else ""
            content = to.encode() if kind == tarfile.REGTYPE else b""
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return io.BytesIO(stream.getvalue())


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE])
def test_a_stream_writes_nothing_through_a_link_that_it_brings(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "outside").mkdir(mode=0o500)
    (tmp_path / "target").mkdir()
    hostile = _stream(("a", tarfile.SYMTYPE, str(tmp_path / "outside")), ("a/x" if kind == b"0" else "a", kind, ""))

    with pytest.raises(tarfile.TarError, match="leads out"):
        files.unpack(hostile, str(tmp_path / "target"))

    assert os.listdir(tmp_path / "outside") == []
    assert (tmp_path / "outside").stat().st_mode & 0o777 == 0o500


@pytest.mark.parametrize("path", ["backend/x", "../outside/x", ".git/hooks/x"])
def test_files_for_a_host_stay_in_its_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "checkout" / ".git" / "hooks").mkdir(parents=True)
    (tmp_path / "checkout" / "backend").symlink_to("../outside")
    monkeypatch.chdir(tmp_path / "checkout")
    sent = _stream(
        ("0", tarfile.DIRTYPE, ""), ("0/path", tarfile.REGTYPE, "fine"), ("0/content", tarfile.REGTYPE, "1"),
        ("1", tarfile.DIRTYPE, ""), ("1/path", tarfile.REGTYPE, path), ("1/content", tarfile.REGTYPE, "2"),
    )  # fmt: skip

    with pytest.raises(tarfile.TarError):
        files.take(sent)

    assert os.listdir(tmp_path / "outside") == []
    assert not (tmp_path / "checkout" / "fine").exists()
    assert os.listdir(tmp_path / "checkout" / ".git" / "hooks") == []


@pytest.mark.parametrize("place", [("..", "x"), ("x", "../../y"), ("x", ""), ("/x", "y")])
def test_an_archive_that_is_sent_has_a_name(
    project: Project, monkeypatch: pytest.MonkeyPatch, place: tuple[str, str]
) -> None:
    monkeypatch.chdir(project.main)

    with pytest.raises(SessionError, match="is not an archive"):
        handover_steps.archive_at(*place)


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
    with pytest.raises(SystemExit, match="is not a repository"):
        checkout.create(str(sandbox / "full"), "main")


def test_without_a_remote_the_base_is_that_of_an_add_here(sandbox: Path) -> None:
    checkout.create(str(sandbox / "here"), "main")
    repository = Repository(sandbox / "here", sandbox / "here" / ".git")

    assert add._base("", parse_settings({"preset": "parallel"}), repository) == "HEAD"
    assert add._base("v1", parse_settings({"preset": "parallel"}), repository) == "v1"


def test_what_a_host_says_of_a_session_is_checked() -> None:
    row = {"branch": "x", "base": "", "ports": {"a": 8000}}

    assert find.check_row(_host("a"), row) == row
    odd: list[dict[str, Any]] = [{key: 5} for key in ("branch", "base", "moved", "ports")]
    for fault in (*odd, {"branch": "x:refs/heads/main"}, {"branch": "--upload-pack=x"}, {"ports": {"a": "80:evil:80"}}):
        with pytest.raises(SessionError, match="a: "):
            find.check_row(_host("a"), {**row, **fault})


def test_what_a_host_lists_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    each = {"name": "x", "branch": "x", "status": "running", "claude": "off", "ahead": 0, "behind": 0, "dirty": False}
    each |= {"created": "", "ports": {"a": 8000}}
    answers: list[Any] = [[each], [5], {}, [{**each, "created": "soon"}], [{**each, "ports": [1]}], [{"name": "x"}]]
    found: dict[str, Any] = {f"h{n}": {"sessions": {}, "listed": answer} for n, answer in enumerate(answers)}
    monkeypatch.setattr(find, "_own", lambda _place: SessionError("here: no"))
    monkeypatch.setattr(group, "ask_everywhere", lambda *_asked: found)
    settings = parse_settings({"hosts": {name: {"host": "a", "path": "~/b"} for name in found}})

    known = find.survey_sessions(settings, Repository(tmp_path, tmp_path / ".git"))

    assert [line.split()[3] for line in tables.fleet_table(known).splitlines()[3:4]] == ["8000"]
    assert [str(known[host]).partition(" {")[0] for host in list(found)[2:]] == [
        f"{host}: unexpected answer:" for host in list(found)[2:]
    ]
    with pytest.raises(SessionError, match="a: unexpected answer"):
        ssh.parse_answer(_host("a"), "[" * 100_000, group.SURVEY)


def test_what_the_system_refuses_to_a_move_is_one_line(project: Project) -> None:
    (project.main / ".git" / "tally-sessions").write_text("")
    sent = '--sent={"slug": "x", "at": "y", "main": "/a/b", "worktree": "/a/c"}'

    failed = project.inv("--search-root", "tasks/hosts", "--collection", "handover", "take", sent, code=1).err

    assert failed.endswith("row.json: Not a directory\n")
    assert "Traceback" not in failed


def test_output_exit_code_and_input_are_those_of_the_program(sandbox: Path) -> None:
    place = f"Host('here', '', {str(sandbox)!r}, 0, {sys.executable!r}, ('bash', '-c'), 0)"
    script = "cat; printf 'no\\xff' ; echo err >&2; exit 7"
    code = f"""from tasks.hosts import remote_run
from tasks.hosts.host import Host, host_called
raise SystemExit(remote_run.run_on_host({place}, [{script!r}], reads=True))"""

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, input=b"in\0put", capture_output=True, check=False
    )

    assert (done.stdout, done.stderr, done.returncode) == (b"in\0putno\xff", b"err\n", 7)


def test_a_signal_that_is_held_is_not_passed_on(sandbox: Path) -> None:
    place = f"Host('here', '', {str(sandbox)!r}, 0, {sys.executable!r}, ({sys.executable!r}, '-c'), 0)"
    code = f"""import os
from tasks.hosts import remote_run
from tasks.hosts.host import Host, host_called
from tasks.system import signals
script = f"import os, signal, sys, time; signal.signal(2, signal.SIG_DFL); os.kill({{os.getpid()}}, 2); time.sleep(0.2)"
with signals.signals_held():
    raise SystemExit(remote_run.run_on_host({place}, [script + "; print('up'); sys.exit(7)"], answers=False))"""

    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, check=False)

    assert (done.stdout, done.stderr, done.returncode) == (b"", b"up\n", 7)


def test_the_relay_ends_what_it_started_when_the_line_is_cut(sandbox: Path) -> None:
    here = Host("here", "", str(sandbox), 0, sys.executable, (), 0)
    script = "trap 'echo told >told; exit 7' HUP; touch up; while :; do sleep 0.05; done"
    process = ssh.start_relay(here, ["bash", "-c", script], stderr=subprocess.DEVNULL)
    while not (sandbox / "up").exists():
        assert process.poll() is None
    assert process.stdin is not None
    process.stdin.close()

    assert process.wait(timeout=20) == 7
    assert (sandbox / "told").read_text() == "told\n"


def test_a_session_that_changed_since_it_was_sent_stays(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")
    monkeypatch.chdir(project.main)
    packed = handover_steps.pack_session("x")
    place = packed["slug"], packed["at"]
    handover_steps.pour_session("x", *place, io.BytesIO())
    sent = handover_steps.left_by_move("x", packed["at"])

    late = project.worktree("x") / "late"
    late.write_text("written while it was moved")
    assert handover_steps.leave_session("x", sent) == {"left": False, "changed": True}
    assert handover_steps.left_by_move("x", packed["at"]) == {}
    assert late.exists()
    late.unlink()
    project.git("status", cwd=project.worktree("x"))

    assert handover_steps.leave_session("x", sent) == {"left": True, "changed": False}
    assert not project.worktree("x").exists()


@pytest.mark.slow
def test_what_arrives_on_another_file_system_is_not_taken_for_a_deletion_that_was_cut_off(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="ts-", dir="/tmp") as elsewhere:
        if os.stat(elsewhere).st_dev == project.main.stat().st_dev:
            pytest.skip("there is one file system only")
        configuration = f"session: {{windows: [], worktree: '{elsewhere}/{{slug}}'}}\n"
        project.configure(configuration)
        project.inv("session.add", "x")
        (Path(elsewhere) / "x" / "mine").write_text("work")
        monkeypatch.chdir(project.main)
        packed = handover_steps.pack_session("x")
        stream = io.BytesIO()
        handover_steps.pour_session("x", packed["slug"], packed["at"], stream)
        target = Project(project.main.with_name("other"))
        project.git("clone", "--quiet", str(project.main), str(target.main))
        project.git("fetch", "--quiet", str(project.main), "+refs/tally/*:refs/tally/*", cwd=target.main)
        target.inv("session.add", "y")  # so the doctor looks there
        monkeypatch.chdir(target.main)

        arriving = _Interrupted(stream.getvalue(), target)
        handover_arrival.take_archive(packed, arriving)

        assert arriving.doctors == ["No problems.\n", "No problems.\n"]
        (saved,) = [each for each in archive.list_archives(git.current_repository()) if each.name == "x"]
        assert (saved.tree / "mine").read_text() == "work"
        left = Path(elsewhere) / f".x.{'ab' * 16}.removed"
        left.mkdir()
        (target.main / ".git" / "tally-sessions" / f"incoming-{'ab' * 16}").mkdir()
        target.inv("session.doctor", "--fix")
        assert not left.exists(), "of a move that was killed"
        assert not [*(target.main / ".git" / "tally-sessions").glob("incoming-*")]


class _Interrupted(io.BytesIO):
    """A stream in whose middle somebody runs the doctor."""

    def __init__(self, data: bytes, target: Project) -> None:
        super().__init__(data)
        self.target, self.doctors = target, list[str]()

    def read(self, size: int | None = -1) -> bytes:
        if len(self.doctors) < 2 and self.tell() > len(self.doctors) * len(self.getvalue()) // 3:
            self.doctors.append(self.target.inv("session.doctor", "--fix").out)
        return super().read(size)


def test_what_was_merged_on_another_machine_counts_as_merged(project: Project) -> None:
    repository = Repository(project.main, project.main / ".git")
    session = Session("x", "x", repository, project.main, "x", {}, "", base="c" * 40, based="main")
    session = session._replace(merged_tip="a" * 40, merged_as="c" * 40, merged_into="main")

    assert remove._merged(session) == "a" * 40
    assert remove._merged(session._replace(base="d" * 40)) == "", "it was synced since, or somebody changed its row"
    assert remove._merged(session._replace(based="")) == ""


def test_a_name_that_a_host_has_in_other_case_is_refused(monkeypatch: pytest.MonkeyPatch, sandbox: Path) -> None:
    repository = Repository(sandbox, sandbox / ".git")
    monkeypatch.setattr("tasks.hosts.choose.registry.read_registry", lambda _repository: {"Local": {}})
    devbox = host_called("devbox", parse_settings({"hosts": {"devbox": {"host": "a", "path": "~/x"}}}))
    answers: Any = {devbox: {"sessions": {"auth": {}}}}

    for name, holder in (("AUTH", "auth is already on devbox"), ("local", "Local is already on here")):
        with pytest.raises(SessionError, match=holder):
            choose._refuse_taken(name, answers, repository)
    choose._refuse_taken("other", answers, repository)
