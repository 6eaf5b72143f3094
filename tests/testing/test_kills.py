"""Every command is killed before every system call that changes the world; the next command finishes it."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from testing import dirty, hosts, kills, traced, tracer
from testing.kills import Scenario, World
from testing.project import CHECKOUT, Project
from testing.terminal import tmux
from testing.traced import Attempt, Ended

# Read here: no test sees the variables of who runs it.
_MINUTES = float(os.environ.get("TALLY_SESSIONS_SLOW_MINUTES") or 0)
_ACTIONS = os.environ.get("TALLY_SESSIONS_ACTIONS", " ".join(tracer.WHO)).split()
# Nothing converses here; the stand-in that can takes longer to start than everything else.
_CLAUDE = """#!/bin/sh
case "$*" in agents*) echo "[]";; *) echo "2.1.329 (Claude Code)";; esac
"""
_ADOPTED = ("main staged", "main untracked", "backend/manage.py")
Record = Callable[[str, object], None]


def _base(project: Project, sandbox: Path) -> None:
    """Sessions x and y that run and have work of every kind; so has the main checkout."""
    (sandbox / "bin" / "claude").write_text(_CLAUDE)
    entries = {str(project.main): {"allowedTools": ["Bash(ls:*)"]}, "/other": {"allowedTools": []}}
    (sandbox / "home" / ".claude.json").write_text(json.dumps({"projects": entries}, indent=2))
    project.git("branch", "mine")
    project.configure(dirty.LIGHT)
    for name in ("x", kills.NEIGHBOUR):
        project.inv("session.add", name)
        dirty.make(project, project.worktree(name))
        with (project.worktree(name) / "frontend" / ".env").open("a") as file:
            file.write("CHANGED=1\n")
    kills.wait_for_programs(project, kills.NEIGHBOUR)
    main = project.main
    for path in ("main staged", "main untracked", "kept.sqlite3", "backend/.env"):
        (main / path).write_text(f"{path} of main\n")
    project.git("add", "main staged")
    with (main / "backend" / "manage.py").open("a") as file:
        file.write("# changed in main\n")


def _clean(project: Project) -> None:
    """A session z without work but in an ignored file."""
    project.inv("session.add", "z")
    (project.worktree("z") / "backend" / ".env").write_text("own\n")


def _clean_and_stopped(project: Project) -> None:
    _clean(project)
    project.inv("session.stop", "z")


def _removed(project: Project) -> None:
    project.inv("session.remove", "x", "--force")


def _by_hand(project: Project) -> None:
    """A worktree that somebody made, with work in it."""
    tree = project.top / "hand"
    project.git("worktree", "add", "--quiet", "-b", "hand", str(tree))
    (tree / "backend" / ".env").write_text("own\n")
    (tree / "frontend" / ".env").write_text("VITE_API_URL=own\n")
    (tree / "untracked").write_text("nowhere else\n")


def _given_back(made: World, ended: Ended) -> None:
    """The worktree is a session, or as it was; its work is there in any case."""
    _undone(made, ended)
    tree = made.project.top / "hand"
    assert (tree / "untracked").read_text() == "nowhere else\n" and (tree / "backend" / ".env").read_text() == "own\n"
    own = (tree / "frontend" / ".env").read_text() == "VITE_API_URL=own\n"
    assert own == (ended.code != 0), f"exit code {ended.code}: {ended.said}"


def _with_teardown(project: Project) -> None:
    project.configure(dirty.LIGHT.replace("{", "{teardown: ['true > ../torn'], ", 1))
    _clean(project)


def _half_gone(project: Project) -> None:
    """x does not run, and a file of its own is missing."""
    tmux("kill-session", "-t", "=tally-x")
    (project.worktree("x") / "frontend" / ".env").unlink()


def _committed(project: Project) -> None:
    """x has everything committed but an ignored file."""
    tree = project.worktree("x")
    project.git("add", "--all", cwd=tree)
    project.git("checkout", "HEAD", "--", "backend/manage.py", cwd=tree)
    project.git("commit", "--quiet", "-m", "all of it", cwd=tree)


def _behind(project: Project) -> None:
    """x has everything committed, and the main checkout is further."""
    _committed(project)
    _further(project)


def _further(project: Project) -> None:
    (project.main / "further").write_text("further\n")
    project.git("add", "further")
    project.git("commit", "--quiet", "-m", "further", "--", "further")


def _several(project: Project) -> None:
    """x and z have commits, and change different lines of a file; the main checkout is further than both."""
    _committed(project)
    project.inv("session.add", "z")
    for name in ("x", "z"):
        file = project.worktree(name) / "frontend" / "server.py"
        file.write_text(f"# x\n{file.read_text()}" if name == "x" else f"{file.read_text()}# z\n")
        project.git("commit", "--quiet", "-m", name, "--", str(file), cwd=project.worktree(name))
    _further(project)


def _old_copies(project: Project) -> None:
    """The files and the database of the main checkout changed since x has copies of them."""
    with closing(sqlite3.connect(project.main / "backend" / "db.sqlite3")) as database:
        database.executescript("insert into points values (2)")
    (project.main / "frontend" / ".env").write_text("VITE_TITLE='new'\n")


def _old(project: Project) -> None:
    """An archive of long ago."""
    project.inv("session.add", "old")
    (project.worktree("old") / "work").write_text("old\n")
    project.inv("session.remove", "old", "--force")
    private = project.main / ".git" / "tally-sessions" / "removed" / "old"
    (archive,) = private.iterdir()
    reference, stamp = f"refs/tally/removed/old/{archive.name}", "20200101T000000.000000"
    project.git("update-ref", f"refs/tally/removed/old/{stamp}", reference)
    project.git("update-ref", "-d", reference)
    archive.rename(private / stamp)


def _granted(project: Project) -> None:
    for place, rules in ((project.main, ["A"]), (project.worktree("x"), ["A", "B"])):
        file = place / ".claude" / "settings.local.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"env": {"TOKEN": "é"}, "permissions": {"allow": rules}}, indent=4))


def _undone(made: World, ended: Ended) -> None:
    """An `add`, or the like, that fails leaves no session behind."""
    names = [row["name"] for row in made.project.inv("session.list", "--json").json]
    assert (ended.code == 0) == (made.scenario.command[1] in names), f"exit code {ended.code}: {ended.said}"


def _merged_or_not(made: World, ended: Ended) -> None:
    """The branch is merged or as before, and the work in the main checkout is the same."""
    git = made.project.git
    squashed = git("rev-parse", "main^{tree}") == git("rev-parse", "x^{tree}")
    merged = git("rev-list", "--count", "x", "--not", "main") == "0" or squashed
    assert merged or ended.code != 0, ended.said
    assert made.work() == made.works, ended.said


def _all_merged_or_not(made: World, ended: Ended) -> None:
    """All are merged, or the command failed; the others' work, and what is uncommitted, is the same."""
    missing = made.project.git("rev-list", "--count", "x", "z", "--not", "main")
    assert missing == "0" or ended.code != 0, ended.said
    work = made.work()
    assert all(work[each] == made.works[each] for each in ("main", kills.NEIGHBOUR)), ended.said
    assert [work[name]["branch"].strip() for name in ("x", "z")] == ["x", "z"], ended.said
    assert not any(work[name]["status"] for name in ("x", "z")), ended.said


def _in_one_place(made: World, ended: Ended) -> None:
    """What was uncommitted in the main checkout is whole there or in the session."""
    work = {path: text for path, text in made.works["main"].items() if path in _ADOPTED}
    places = (made.project.main, made.project.worktree("z"))
    whole = [all((at / path).exists() and (at / path).read_text() == work[path] for path in work) for at in places]
    assert whole == [False, True] if ended.code == 0 else any(whole), f"exit code {ended.code}: {ended.said}"


SCENARIOS = [
    Scenario(
        "add", ("session.add", "z"), done="Session z already exists",
        undo=("session.remove", "z", "--force"), undone='No session "z".', at_once=_undone,
    ),
    Scenario("remove", ("session.remove", "z"), _clean, done='No session "z".', restored="z", kept=("x", "z")),
    Scenario("remove --force", ("session.remove", "x", "--force"), done='No session "x".', restored="x"),
    Scenario(
        "restore", ("session.restore", "x"), _removed, running=False, done="Session x already exists", restored="x",
        undo=("session.remove", "x", "--force"), undone='No session "x".', at_once=_undone,
    ),
    Scenario("remove with teardown", ("session.remove", "z"), _with_teardown, done='No session "z".', restored="z"),
    Scenario(
        "add --worktree", ("session.add", "hand", "--worktree", "../hand"), _by_hand,
        done="Session hand already exists|is in the worktree of session hand already", at_once=_given_back,
    ),
    Scenario("resume", ("session.resume", "x"), _half_gone, running=False),
    Scenario("stop", ("session.stop", "x")),
    Scenario("rename", ("session.rename", "z", "w"), _clean_and_stopped),
    Scenario("rename what runs", ("session.rename", "x", "w"), kept=()),
    Scenario("sync", ("session.sync", "x"), _behind),
    Scenario(
        "merge", ("session.merge", "x"), _committed, done="Nothing to merge: main has all", at_once=_merged_or_not,
    ),
    Scenario(
        "merge --squash", ("session.merge", "x", "--squash"), _committed, done="merged", at_once=_merged_or_not,
    ),
    Scenario("merge of several", ("session.merge", "x,z"), _several, kept=("x", "z"), at_once=_all_merged_or_not),
    Scenario("refresh", ("session.refresh", "x"), _old_copies),
    Scenario("adopt", ("session.adopt", "z"), done="Session z already exists", kept=("x", "z"), at_once=_in_one_place),
    Scenario("prune", ("session.prune", "--yes"), _old),
    Scenario("doctor --fix", ("session.doctor", "--fix"), _half_gone, running=False),
    Scenario("permissions --merge", ("session.permissions", "x", "--merge"), _granted),
    Scenario(
        "fleet.move", ("fleet.move", "x", "--host", "alpha"), done="is already on alpha", moves=True,
    ),
]  # fmt: skip


# A sample of these is tried in every run, of the others with the slow tests.
_OFTEN = ("add", "remove", "stop", "merge")

scenarios = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)


@pytest.fixture(autouse=True)
def _traceable() -> None:
    if why := tracer.missing():
        pytest.skip(f"no kills: {why}")


@pytest.mark.parametrize(
    "scenario",
    [pytest.param(each, marks=() if each.name in _OFTEN else pytest.mark.slow) for each in SCENARIOS],
    ids=lambda each: each.name,
)
def test_a_sample_of_kills_signals_and_errors_is_finished(
    project: Project, sandbox: Path, scenario: Scenario, fleet: hosts.Fleet | None, record_property: Record
) -> None:
    made, calls, expected = _recorded(project, sandbox, scenario, fleet)
    kinds = [tracer.WHO[:1], tracer.WHO[1:], traced.SIGNALS, traced.ERRORS]
    first = [each for kind in kinds for each in traced.order(scenario.name, len(calls), kind)[:1]]
    record_property("kills", _try(made, calls, expected, first))


@pytest.mark.slow(hours=True)
@scenarios
def test_every_kill_is_finished(
    project: Project, sandbox: Path, scenario: Scenario, fleet: hosts.Fleet | None, record_property: Record
) -> None:
    until = time.monotonic() + _seconds()
    made, calls, expected = _recorded(project, sandbox, scenario, fleet)
    record_property("kills", _try(made, calls, expected, traced.order(scenario.name, len(calls), _ACTIONS), until))


@pytest.fixture
def fleet(project: Project, sandbox: Path, scenario: Scenario) -> Iterator[hosts.Fleet | None]:
    """Yield the project's hosts, of which alpha has a checkout; none for a scenario that needs no other machine."""
    if not scenario.moves:
        yield None
        return
    if not os.access(hosts.SSHD, os.X_OK):
        pytest.skip("sshd is not installed: openssh-server")
    made = hosts.make(sandbox, project)
    del made.hosts["beta"]  # nothing is set up there
    made.configure()
    with (sandbox / "home" / ".ssh" / "config").open("a") as file:  # what ends after a minute would be waited for
        file.write("Host *\n  ControlMaster no\n  ControlPath ~/.ssh/unused-%C\n")
    yield made
    for machine in (made.alpha, made.beta):
        machine.end()


def _recorded(
    project: Project, sandbox: Path, scenario: Scenario, fleet: hosts.Fleet | None
) -> tuple[World, list[tracer.Call], kills.Expected]:
    _base(project, sandbox)
    if fleet:
        fleet.alpha.main.parent.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(project.main), str(fleet.alpha.main)], check=True)
    scenario.prepare(project)
    made = World(project, scenario, fleet.alpha if fleet else None)
    return made, *kills.record(made)


def _seconds() -> float:
    """Return how long one test may take: its part of the time that all of them have together."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return _MINUTES * 60 * workers / len(SCENARIOS) if _MINUTES else float("inf")


def _try(
    made: World, calls: list[tracer.Call], expected: kills.Expected, chosen: list[Attempt], until: float = float("inf")
) -> list[Any]:
    """Try the *chosen* kills, at least one, while the time allows; return the command and how many were tried."""
    failed: list[str] = []
    tried = missed = 0
    for each in chosen:
        if tried + missed + len(failed) and time.monotonic() > until:
            break
        try:
            hit = kills.try_once(made, each, expected)
            tried, missed = tried + hit, missed + (not hit)
        except AssertionError as error:
            failed.append(f"{each.action} before {calls[each.number - 1]}\n    {made.steps}\n    {error}"[:3000])
    if failed and made.scenario.open:
        pytest.xfail(f"{made.scenario.open}\n{failed[0]}")
    assert not failed, f"{len(failed)} of {tried + len(failed)} kills, {len(calls)} calls:\n" + "\n".join(failed)
    return [made.scenario.name, tried, missed, len(chosen)]


def test_the_time_that_all_may_take_is_known_within_a_sandbox() -> None:
    program = "from tests.testing import test_kills as kills; print(kills._seconds() * len(kills.SCENARIOS))"
    env = {**os.environ, "TALLY_SESSIONS_SLOW_MINUTES": "2", "PYTEST_XDIST_WORKER_COUNT": "3"}

    said = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, env=env, capture_output=True, check=True)

    assert float(said.stdout) == 360
