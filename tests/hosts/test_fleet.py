"""Sessions on other machines, over real sshd: two hosts with their own HOMEs, keys, state and tmux servers."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tasks.model import Repository
from tasks.store import registry
from tasks.system import locks
from testing import hosts
from testing.answers import check_answer
from testing.hosts import Fleet, Machine
from testing.project import INV, Project, eventually
from testing.terminal import screen, tmux

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only"),
]

_SLOW = "session: {setup: ['trap \"exit 130\" INT; touch started; sleep 30; touch finished']}\n"


def _begin(project: Project, *arguments: str) -> "subprocess.Popen[str]":
    """Start `inv` and leave it running."""
    pipe = subprocess.PIPE
    return subprocess.Popen([INV, *arguments], cwd=project.main, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def _left(machine: Machine) -> list[str]:
    """Return what there is of sessions on *machine*."""
    worktrees = [str(path) for path in machine.main.parent.iterdir() if path != machine.main]
    branches = subprocess.run(
        ["git", "-C", str(machine.main), "for-each-ref", "--format=%(refname:short)", "refs/heads"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    rows = [".tally-sessions"] if (machine.main / ".tally-sessions").exists() else []
    return [*worktrees, *(branch for branch in branches if branch != "main"), *rows]


def test_setup_makes_a_host_ready_and_copies_only_what_was_agreed_to(fleet: Fleet) -> None:
    here, alpha = fleet.here, fleet.alpha

    planned = here.inv("fleet.setup", "alpha", "--dry-run").out
    assert "backend/.env (-rw-------" in planned
    assert not alpha.main.exists()

    asked = here.inv("fleet.setup", "alpha", code=1).err
    assert "backend/db.sqlite3 (-rw-r--r--" in asked
    assert "inv fleet.setup alpha --yes" in asked
    assert not (alpha.main / "backend/.env").exists()
    assert (alpha.main / "backend/manage.py").exists()

    (alpha.main / "frontend/.env").write_text("ITS=own\n")
    here.git("commit", "--quiet", "--allow-empty", "-m", "later")
    said = here.inv("fleet.setup", "alpha", "--yes").err
    assert "frontend/.env is different on alpha" in said
    assert (alpha.main / "frontend/.env").read_text() == "ITS=own\n"
    assert (alpha.main / "backend/.env").read_text() == (here.main / "backend/.env").read_text()
    assert stat.S_IMODE((alpha.main / "backend/.env").stat().st_mode) == 0o600
    with closing(sqlite3.connect(alpha.main / "backend/db.sqlite3")) as database:
        assert database.execute("select number from points").fetchall() == [(1,)]
    assert fleet.ssh(alpha, "git -C dev/tally log -1 --format=%s || git -C ~/dev/tally log -1 --format=%s") == "later"
    assert here.git("status", "--porcelain") == ""
    assert fleet.ssh(alpha, "git -C ~/dev/tally status --porcelain") == ""


@pytest.mark.slow
def test_setup_names_everything_that_a_host_lacks(fleet: Fleet) -> None:
    fleet.alpha.put("tmux", "#!/bin/sh\necho tmux 2.9a\n")
    fleet.alpha.put("git", "#!/bin/sh\nexit 127\n")
    fleet.configure(old=hosts.entry("alpha", python="python9", inv=None))

    said = fleet.here.inv("fleet.setup", "old", code=1).err
    assert "git is missing" in said
    assert "tmux 2.9 is too old: 3.2 or newer" in said.replace(" as", "")
    assert "python is missing as python9" in said
    assert not fleet.alpha.main.exists()

    fleet.beta.put("tmux", f"#!/bin/sh\ntouch {fleet.beta.home}/asked; exec sleep 20\n")
    asking = _begin(fleet.here, "fleet.setup", "beta")
    eventually((fleet.beta.home / "asked").exists)
    asking.send_signal(signal.SIGINT)
    assert "Cancelled." in asking.communicate(timeout=10)[1]
    assert asking.returncode == 130

    fleet.beta.put("tmux", "#!/bin/sh\necho tmux 3.4\n")
    fleet.beta.put("python3", "#!/bin/sh\necho Python 3.8.1\n")
    fleet.configure(old=hosts.entry("beta", python="python3"))
    assert "python 3.8 is too old as python3" in fleet.here.inv("fleet.setup", "old", code=1).err
    assert "unexpected answer" in fleet.here.inv("fleet.remove", "x", "--host", "old", code=1).err


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_over_there_is_told_and_leaves_nothing_half_made(fleet: Fleet) -> None:
    small = fleet.alpha.home / "dev"
    small.mkdir()
    (fleet.here.main / "backend/db.sqlite3").write_bytes(os.urandom(1_500_000))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)], check=True)
    try:
        said = fleet.here.inv("fleet.setup", "alpha", "--yes", code=1).err
        assert "No space left on device" in said
        assert not (fleet.alpha.main / "backend/db.sqlite3").exists()
        assert not list((fleet.alpha.main / ".git/tally-sessions").glob("incoming-*"))
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_day_with_two_hosts(ready: Fleet) -> None:
    here, alpha, beta = ready.here, ready.alpha, ready.beta
    here.git("commit", "--quiet", "--allow-empty", "-m", "later")
    mains = {machine.name: _edited(machine) for machine in (alpha, beta)}

    added = here.inv("fleet.add", "x", "--json")
    assert added.json["name"] == "x"
    assert "inv fleet.attach x" in added.err
    here.inv("fleet.add", "y")
    listed = here.inv("fleet.list", "--json").json
    check_answer(listed, "fleet.list")
    check_answer(here.inv("fleet.show", "x", "--json").json, "session.show")
    of = {each["name"]: each["host"] for each in listed if "name" in each}
    assert sorted(of) == ["x", "y"]
    assert set(of.values()) == {"alpha", "beta"}, "the second goes where there is more room"
    assert here.inv("--complete", "--", "inv", "fleet.show").out.split() == ["x", "y"]
    place = {"alpha": alpha, "beta": beta}[of["x"]]
    assert ready.ssh(place, "git -C ~/dev/tally-x log -1 --format=%s") == "later", "the base is pushed first"
    assert {machine.name: _main(machine) for machine in (alpha, beta)} == mains, "no branch or file of others changes"
    row = json.loads((place.main / ".tally-sessions").read_text())["x"]
    assert (row["base"], row["based"], row["owner"]) == (here.git("rev-parse", "main"), "main", "Test")
    numbers = [each["ports"][key] for each in listed if "name" in each for key in each["ports"]]
    assert len(set(numbers)) == 4, "no two sessions of the fleet share a port"

    worktree = place.main.with_name("tally-x")
    (worktree / "new").write_text("work")
    refused = here.inv("fleet.remove", "x", code=1)
    assert refused.out == ""
    assert "untracked: new" in refused.err

    ready.ssh(place, "cd ~/dev/tally-x && git add new && git commit -qm over-there")
    assert here.inv("fleet.run", "x", "pwd; echo $HOME >&2; exit 3", code=3).out == f"{worktree}\n"
    assert "is now at" in here.inv("fleet.pull", "x").out
    assert here.git("log", "-1", "--format=%s", "x") == "over-there"
    _commit(here, "x", "from-here")
    here.inv("fleet.push", "x")
    assert ready.ssh(place, "cd ~/dev/tally-x && git log -1 --format=%s && git status --porcelain") == "from-here"
    ready.ssh(place, "cd ~/dev/tally-x && git commit -q --allow-empty -m unseen")
    _commit(here, "x", "unseen-there")
    assert "has 1 commit that you don't have" in here.inv("fleet.push", "x", code=1).err
    assert "1 commit only here" in here.inv("fleet.pull", "x", code=1).err
    assert here.git("log", "-1", "--format=%s", "x") == "unseen-there"
    assert ready.ssh(place, "git -C ~/dev/tally-x log -1 --format=%s") == "unseen"

    removed = here.inv("fleet.remove", "x", "--force")
    assert removed.out.endswith("Undo: inv fleet.restore x\n")
    assert not worktree.exists()
    assert here.inv("--complete", "--", "inv", "fleet.show").out.split() == ["y"]


def _edited(machine: Machine) -> tuple[str, str]:
    """Edit a file in the main checkout of *machine*, and return how that is."""
    with (machine.main / "backend/manage.py").open("a") as file:
        file.write("# somebody is at it\n")
    return _main(machine)


def _main(machine: Machine) -> tuple[str, str]:
    log = subprocess.run(["git", "-C", str(machine.main), "rev-parse", "main"], capture_output=True, check=True).stdout
    return log.decode(), (machine.main / "backend/manage.py").read_text()


def _commit(project: Project, branch: str, message: str) -> None:
    """Make an empty commit on *branch*, which is not checked out."""
    tree = project.git("rev-parse", f"{branch}^{{tree}}")
    commit = project.git("commit-tree", tree, "-p", branch, "-m", message)
    project.git("update-ref", f"refs/heads/{branch}", commit)


@pytest.mark.slow
def test_a_name_on_two_hosts_is_refused_until_one_is_named(ready: Fleet) -> None:
    for machine in (ready.alpha, ready.beta):
        row = '{"x": {"worktree": "/nowhere", "branch": "x", "backend_port": 1, "frontend_port": 2}}'
        (machine.main / ".tally-sessions").write_text(row)

    assert "several machines: alpha, beta" in ready.here.inv("fleet.stop", "x", code=1).err
    assert ready.here.inv("fleet.show", "x", "--host", "beta", "--json").json["status"] == "broken"
    assert "x is already on alpha" in ready.here.inv("fleet.add", "x", code=1).err


@pytest.mark.slow
def test_hosts_that_do_not_answer_are_lines_and_no_failure(ready: Fleet, sandbox: Path) -> None:
    config = Path(os.environ["HOME"]) / ".ssh" / "config"
    stranger = sandbox / "stranger"
    hosts._key(stranger)
    aliases = {
        "unknown": "UserKnownHostsFile /dev/null", "changed": f"UserKnownHostsFile {sandbox}/changed",
        "refused": "PubkeyAuthentication no", "silent": "ProxyCommand sleep 600", "lost": "HostName nowhere.invalid",
    }  # fmt: skip
    port = ready.beta.port
    (sandbox / "changed").write_text(ready.beta.known.replace(ready.beta.known.split()[2], _public(stranger)))
    text = "".join(f"Host {a}\n  {line}\n  HostName 127.0.0.1\n  Port {port}\n" for a, line in aliases.items())
    config.write_text(text + config.read_text())
    ready.configure(**{name: hosts.entry(name) for name in aliases})
    own = Path(os.environ["HOME"]) / ".invoke.yaml"
    own.write_text(own.read_text().replace("host_timeout: 20", "host_timeout: 6"))
    ready.alpha.stop()
    # All of these are beta, to whom an open connection would be shared; in a path of that length ssh has no socket.
    alone = {"XDG_STATE_HOME": str(sandbox / ("long" * 30))}

    listed = ready.here.inv("fleet.list", "--json", env=alone).json
    found = {each["host"]: each.get("error", "") for each in listed}

    check_answer(listed, "fleet.list")
    assert "cannot be reached" in found["alpha"]
    assert "host key is not known" in found["unknown"]
    assert "host key has changed" in found["changed"]
    assert f"Run: ssh-keygen -f {sandbox}/changed -R '[127.0.0.1]:{port}'" in found["changed"], "as ssh knows it"
    assert "refuses your keys" in found["refused"]
    assert "silent: no answer within " in found["silent"], "not even for its whole timeout, once the others are there"
    again = {each["host"]: each.get("error", "") for each in ready.here.inv("fleet.list", "--json", env=alone).json}
    assert "To ask it again now" in again["silent"]
    assert "no such machine in" in found["lost"]
    assert "beta" not in found, "it answered, and has no session"
    assert Path(aliases["changed"].split()[1]).read_text().count("\n") == 1, "no key was learned"


def _public(key: Path) -> str:
    return key.with_name(key.name + ".pub").read_text().split()[1]


@pytest.mark.slow
def test_a_line_that_is_cut_and_ctrl_c_undo_the_add_over_there(ready: Fleet) -> None:
    Project(ready.alpha.main).configure(_SLOW)  # what runs over there is what that checkout says
    worktree = ready.alpha.main.with_name("tally-x")

    adding = _begin(ready.here, "fleet.add", "x", "--host", "alpha")
    eventually(lambda: (worktree / "started").exists())
    assert ready.alpha.cut()
    _out, err = adding.communicate(timeout=60)
    assert adding.returncode == 255
    assert "finishes or is undone there" in err
    eventually(lambda: _left(ready.alpha) == [])

    adding = _begin(ready.here, "fleet.add", "x", "--host", "alpha")
    eventually(lambda: (worktree / "started").exists())
    adding.send_signal(signal.SIGINT)
    _out, err = adding.communicate(timeout=60)
    assert adding.returncode == 130
    assert "x was removed completely." in err
    assert _left(ready.alpha) == []


def test_move_takes_everything_and_a_move_that_fails_changes_nothing(ready: Fleet) -> None:
    here, alpha, beta = ready.here, ready.alpha, ready.beta
    ready.ssh(alpha, f"cd ~/dev/tally && {INV} session.add x")
    worktree = alpha.main.with_name("tally-x")
    (worktree / "backend/manage.py").write_text((worktree / "backend/manage.py").read_text() + "# mine\n")
    (worktree / "untracked").write_text("mine")
    (worktree / "many").mkdir()
    for number in range(900):  # their names are more than the arguments of a program may be
        (worktree / "many" / f"{number:0150}").touch()
    (worktree / "backend/.env").write_text("OWN=1\n")
    with closing(sqlite3.connect(here.main / "backend/db.sqlite3")) as database, database:
        database.execute("insert into points values (9)")
    ready.ssh(beta, "cd ~/dev/tally && git branch x $(git commit-tree HEAD^{tree} -p HEAD -m other)")

    failed = here.inv("fleet.move", "x", "--host", "beta", code=1).err
    assert "Another branch x exists by now" in failed
    assert "x is still on alpha" in failed
    assert (worktree / "untracked").read_text() == "mine"
    assert ready.ssh(alpha, "tmux has-session -t =tally-x && echo runs") == "runs"
    for machine in (alpha, beta):
        assert not (machine.main / ".git/tally-sessions/removed").exists()
        kept = ready.ssh(machine, "git -C ~/dev/tally for-each-ref refs/tally --format='%(refname)'")
        assert all(each.startswith("refs/tally/base/") for each in kept.split())

    ready.configure(full=hosts.entry("beta", max_sessions=1), dead=hosts.entry("nowhere.invalid"))
    (beta.main / ".tally-sessions").write_text('{"y": {"worktree": "/nowhere", "branch": "y", "backend_port": 1}}')
    for target, said in (("full", "full has 1 of 1 sessions"), ("dead", "no such machine in")):
        failed = here.inv("fleet.move", "x", "--host", target, code=1).err
        assert said in failed
        assert "pack" not in failed, "nothing was stopped for it"
    for name in ("full", "dead"):
        del ready.hosts[name]
    ready.configure()

    done = here.inv("fleet.move", "x", "--host", "here")
    assert done.out == "Moved x: it is here now.\nAttach: inv session.attach x\n"
    assert not worktree.exists()
    moved = here.worktree("x")
    assert (moved / "backend/manage.py").read_text().endswith("# mine\n")
    changed = here.git("status", "--porcelain", cwd=moved).splitlines()
    assert changed == ["M backend/manage.py", "?? many/", "?? untracked"]
    assert len(list((moved / "many").iterdir())) == 900
    assert (moved / "untracked").read_text() == "mine"
    assert (moved / "backend/.env").read_text() == "OWN=1\n"
    assert stat.S_IMODE((moved / "backend/.env").stat().st_mode) == 0o600
    with closing(sqlite3.connect(moved / "backend/db.sqlite3")) as database:
        assert database.execute("select number from points").fetchall() == [(1,)], "its own, not this machine's"
    assert str(alpha.top) not in (here.main / ".tally-sessions").read_text(), "no directory of the other machine"
    assert here.git("for-each-ref", "refs/tally") == ""
    assert here.listed("x")["status"] in ("partial", "running")


@pytest.mark.slow
def test_a_move_that_was_killed_is_finished_by_repeating_it_and_of_two_at_once_one_wins(ready: Fleet) -> None:
    here, alpha, beta = ready.here, ready.alpha, ready.beta
    here.inv("fleet.add", "x", "--host", "alpha")
    worktree = alpha.main.with_name("tally-x")
    (worktree / "untracked").write_text("mine")

    moving = _begin(here, "fleet.move", "x", "--host", "beta")
    eventually(lambda: _state(beta) == "ready")
    moving.kill()
    moving.communicate()
    assert _state(alpha) == "ready", "it was killed before it could remove it there"
    assert (
        "If a move was interrupted, finish it: inv fleet.move x --host beta" in here.inv("fleet.stop", "x", code=1).err
    )
    (worktree / "later").write_text("since")
    refused = here.inv("fleet.move", "x", "--host", "beta", code=1).err
    assert "Remove all but one.\nRun: inv fleet.remove x --host alpha\nOr: inv fleet.remove x --host beta" in refused
    (worktree / "later").unlink()

    here.inv("fleet.move", "x", "--host", "beta")
    assert not worktree.exists()
    assert _state(alpha) == ""
    worktree = beta.main.with_name("tally-x")
    assert (worktree / "untracked").read_text() == "mine"

    both = [_begin(here, "fleet.move", "x", "--host", target) for target in ("alpha", "here")]
    said = [each.communicate(timeout=60)[1] for each in both]
    assert sorted(each.returncode for each in both) == [0, 1], said
    assert "Another command moved or removed x" in "".join(said) or "couldn't be started again" in "".join(said)
    places = {"alpha": alpha.main, "beta": beta.main, "here": here.main}
    has = [name for name, main in places.items() if (main.with_name("tally-x") / "untracked").exists()]
    assert has == ["alpha" if both[0].returncode == 0 else "here"]


@pytest.mark.slow
def test_a_move_that_was_killed_while_it_removed_the_session_here_is_finished_by_repeating_it(ready: Fleet) -> None:
    here, alpha = ready.here, ready.alpha
    here.inv("session.add", "x")
    worktree, repository = here.worktree("x"), Repository(here.main, here.main / ".git")
    (worktree / "untracked").write_text("mine")
    with locks.file_lock(repository.private / "leaving-x.lock"):
        moving = _begin(here, "fleet.move", "x", "--host", "alpha")
        eventually(lambda: _state(alpha) == "ready")
        moving.send_signal(signal.SIGSTOP)
        for process in psutil.Process(moving.pid).children(recursive=True):
            process.kill()
        moving.kill()
        moving.communicate()
    away = repository.private / "removed" / "x" / "20260101T000000.000000"
    registry.note_facts(repository, "x", state="removing", archive=str(away))  # as the removal begins

    done = here.inv("fleet.move", "x", "--host", "alpha")

    assert "An earlier move was interrupted. alpha has all of x: finishing the move." in done.err
    assert done.out == "Moved x: it is on alpha now.\nAttach: inv fleet.attach x\n"
    assert not worktree.exists()
    assert [row["name"] for row in here.inv("session.list", "--json").json] == []
    assert (alpha.main.with_name("tally-x") / "untracked").read_text() == "mine"
    assert [each.name for each in away.parent.iterdir()] == [away.name], "what was sent is not kept twice"


def _state(machine: Machine) -> str:
    """Return the state of the session x on *machine*."""
    file = machine.main / ".tally-sessions"
    return str(json.loads(file.read_text())["x"]["state"]) if file.exists() else ""


@pytest.mark.slow
def test_ports_are_forwarded_until_ctrl_c_and_again_after_a_cut_and_a_terminal_attaches(apart: Fleet) -> None:
    ready, here = apart, apart.here
    here.inv("fleet.add", "x", "--host", "alpha")
    taken = ready.session("x")["ports"]
    assert isinstance(taken, dict)
    eventually(lambda: ready.session("x")["status"] == "running")

    forwarding = _begin(here, "fleet.forward", "x", "--open")
    assert forwarding.stdout is not None
    assert forwarding.stderr is not None
    urls = [forwarding.stdout.readline().strip() for _port in taken]
    ports = [int(url.rpartition(":")[2]) for url in urls]
    assert set(ports) == set(taken.values()), "its pages name these numbers"

    def answers() -> bool:
        return subprocess.run(["curl", "-sf", "-o", "/dev/null", urls[0]], check=False).returncode == 0

    eventually(answers)
    said = "".join(iter(forwarding.stderr.readline, "Forwarding. Press ^C to stop.\n"))
    assert ready.alpha.cut()
    eventually(lambda: not answers())
    eventually(answers)
    forwarding.send_signal(signal.SIGINT)
    _out, err = forwarding.communicate(timeout=60)
    assert forwarding.returncode == 0
    assert said == ""
    assert "dropped" in err
    assert not answers()
    forwarding = _begin(here, "fleet.forward", "x")
    eventually(answers)
    forwarding.kill()
    forwarding.communicate()
    eventually(lambda: not answers())

    assert "needs a terminal" in here.inv("fleet.attach", "x", code=1).err
    tmux("new-session", "-d", "-x", "120", "-y", "30", "-c", str(here.main), f"{INV} fleet.attach x")
    clients = "tmux list-clients -F '#{session_name}'"
    eventually(lambda: ready.ssh(ready.alpha, clients, check=False) == "tally-x")
    eventually(lambda: "[tally-x]" in screen("%0"))
