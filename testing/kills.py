"""Kill a command at one of its system calls in a prepared sandbox, and check what is left; again and again."""

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tasks.system import copy
from testing import dirty, hosts, limits, marked, traced, tracer
from testing.project import Project, eventually
from testing.terminal import tmux
from testing.traced import Attempt, Ended

NEIGHBOUR = "y"
_KILLED = 137
_LIMIT = 180.0  # seconds for one attempt
_ROUNDS = 4  # how often the advice of an error is followed
_ADVICE = re.compile(r"inv (?:session|fleet)\.[^\s;,)]+(?: (?!\(|and |or |to )[^\s;,)]+)*")
# Files in which git notes its last operation; they may differ.
_NOTES = re.compile(r"/(ORIG_HEAD|FETCH_HEAD|COMMIT_EDITMSG|AUTO_MERGE|REBASE_HEAD|MERGE_RR|logs/.*|gc\.log)$")


class Scenario(NamedTuple):
    """A command to kill, its preparation, and what its repetition may print."""

    name: str
    command: tuple[str, ...]
    prepare: Callable[[Project], None] = lambda project: None
    running: bool = True  # x, before it
    done: str = r"^$"  # what a refusal says when nothing is left to do
    restored: str = ""  # the session that has to come back afterwards
    kept: Sequence[str] = ("x",)  # sessions whose work has to be the same
    moves: bool = False  # to the host alpha
    undo: tuple[str, ...] = ()  # what makes the world again what it was, and what that says when it is
    undone: str = ""
    at_once: "Callable[[World, Ended], None]" = lambda made, ended: None  # what must hold after a signal or an error
    open: str = ""  # what is known not to be finished yet: then a failure is expected


class World:
    """The sandbox of *project*, prepared for *scenario*. `reset` prepares it again."""

    def __init__(self, project: Project, scenario: Scenario, host: hosts.Machine | None = None) -> None:
        self.project, self.scenario, self.host = project, scenario, host
        self.top = project.top.parent
        self.places = [place for place in ("dev", "home", "state", "alpha") if (self.top / place).is_dir()]
        for place in self.places:
            shutil.copytree(self.top / place, self.top / "prepared" / place, symlinks=True)
        self.neighbours = _processes(project, {NEIGHBOUR})
        self.works = self.work()
        self.steps: list[str] = []

    def reset(self) -> None:
        """Restore the prepared state; the neighbour's programs keep running."""
        for name in tmux("list-sessions", "-F", "#{session_name}").splitlines():
            if name != f"tally-{NEIGHBOUR}":
                tmux("kill-session", "-t", f"={name}", check=False)
        for process in self._others():
            with suppress(psutil.Error):
                process.kill()
        for place in self.places:
            _mirror(self.top / "prepared" / place, self.top / place)
        if self.scenario.running:
            self.project.inv("session.start", "x")

    def _others(self) -> set[psutil.Process]:
        """Return the running processes of all sessions but the neighbour, here and on the host."""
        there = _of_home(str(self.host.home)) if self.host else set()
        return (_marked() - self.neighbours) | {process for process in there if not process.name().startswith("sshd")}

    def traced(self, attempt: Attempt) -> Ended:
        """Run the command with that *attempt*, if any, and wait for all that it started; programs in tmux go on."""
        return traced.run(self.project, self.scenario.command, attempt, self.places)

    def finish(self, command: tuple[str, ...], done: str) -> None:
        """Run *command* as a person would: follow the advice of each error until the command succeeds."""
        self.steps = []
        for _round in range(_ROUNDS):
            said = self._inv(*command)
            if not said or re.search(done, said):
                return
            assert self._obey(said), f"refused without advice: {said}"
        raise AssertionError(f"not finished by {self.steps}: {said}")

    def _obey(self, said: str) -> bool:
        """Follow the advice of an error, and that of errors on the way; return whether there was any."""
        advised = [each.split()[1:] for each in _ADVICE.findall(said) if "NAME" not in each]
        if advised and (refused := self._inv(*advised[0])):
            for command in (each.split()[1:] for each in _ADVICE.findall(refused)[:1]):
                self._inv(*command)
        return bool(advised)

    def restore(self) -> None:
        """Restore the session that must exist afterwards, unless it does."""
        name = self.scenario.restored
        if name and not self.project.worktree(name).exists():
            self.project.inv("session.restore", name)

    def _inv(self, *arguments: str) -> str:
        """Run the command and return its error, empty if it succeeded."""
        said = self.project.inv(*arguments, code=None)
        self.steps.append(f"inv {' '.join(arguments)}: {said.code}")
        return (said.err or "?") if said.code else ""

    def work(self) -> dict[str, dict[str, str]]:
        """Return the work in the main checkout and in every session that has to keep it."""
        found = {"main": main_work(self.project), NEIGHBOUR: dirty.of(self.project.worktree(NEIGHBOUR))}
        for name in self.scenario.kept:
            trees = [self.project.worktree(name), *([self.host.main.with_name(f"tally-{name}")] if self.host else [])]
            for tree in trees:  # during a move it may be in both places
                if tree.exists():
                    found[name] = {key: text for key, text in dirty.of(tree).items() if key != "HEAD"}
        return found

    def state(self) -> dict[str, object]:
        """Return everything that a kill must not change."""
        seen = self.project.world()
        files = seen["files"]
        assert isinstance(files, dict)
        rows = self.project.inv("session.list", "--json").json
        for row in rows:
            row["merged_into"] = "merged" if row["merged"] else ""
        data = self.project.main / ".git"
        return {
            "files": {path: self._shape(path, what) for path, what in files.items() if not _NOTES.search(path)},
            "sessions": {row["name"]: [row[key] for key in ("branch", "dirty", "merged_into")] for row in rows},
            "refs": self.project.git("for-each-ref", "--format=%(refname) %(tree)", "refs/heads", "refs/tags"),
            "worktrees": [line for line in _lines(seen["worktrees"]) if not line.startswith("HEAD ")],
            "tmux": sorted(line.rpartition(" ")[0] for line in _lines(seen["tmux"])),
            "locks": sorted(str(lock) for lock in data.rglob("*.lock") if "tally-s" not in str(lock)),
            "doctor": _problems(self.project.inv("session.doctor", code=None).out),
            "fleet": self._fleet(),
        }  # fmt: skip

    def _shape(self, path: str, what: str) -> str:
        """Return what must stay the same about a file: of a database its content, of what has times its existence."""
        file = self.top / "dev" / path.removeprefix("/")
        if path.endswith(".sqlite3") and not file.is_symlink() and copy.is_database(file):
            return _database_content(file)
        return what.split()[0] if "/.git/" in path or path.endswith((".tally-sessions", ".log")) else what

    def _fleet(self) -> list[str]:
        """Return where each session is; on a host only a moved one has to be complete."""
        if not self.host:
            return []
        return sorted(
            f"{each.get('host')} {each.get('name')}" for each in self.project.inv("fleet.list", "--json").json
        )

    def alive(self) -> bool:
        """Return whether all of the neighbour's processes are still running."""
        return all(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in self.neighbours)


def _lines(found: object) -> list[str]:
    assert isinstance(found, list)
    return found


def _problems(said: str) -> list[str]:
    return sorted(re.sub(r"\d+", "N", line) for line in said.splitlines() if line.strip())


def _database_content(file: Path) -> str:
    """Return the rows of the database *file*; SQLite's own notes beside it differ after a killed copy."""
    with closing(sqlite3.connect(file)) as database:
        return "\n".join(database.iterdump())


def main_work(project: Project) -> dict[str, str]:
    """Return what is uncommitted, untracked, staged and ignored in the main checkout."""
    main = project.main
    paths = ("backend/manage.py", "main staged", "main untracked", "backend/.env", "kept.sqlite3")
    found = {path: (main / path).read_text() for path in paths if (main / path).exists()}
    return {**found, "index": project.git("ls-files", "--stage", "main staged")}


def _of_home(home: str, mark: str = "HOME") -> set[psutil.Process]:
    """Return the processes with that HOME, and with the variable *mark*."""
    return {process for process, environment in marked.marked_processes(Path(home)) if mark in environment}


def _marked() -> set[psutil.Process]:
    """Return the processes of sessions in this sandbox."""
    return _of_home(os.environ["HOME"], "TALLY_SESSION")


def _processes(project: Project, names: set[str]) -> set[psutil.Process]:
    places = {str(project.worktree(name)) for name in names}
    return {process for process in _marked() if process.environ().get("TALLY_SESSION") in places}


def _mirror(source: Path, target: Path) -> None:
    """Make *target* equal to *source*. Change only what differs, because processes run in its directories."""
    wanted = {entry.name: entry for entry in os.scandir(source)}
    for entry in os.scandir(target):
        if entry.name not in wanted or not _alike(wanted[entry.name], entry):
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
    for name, entry in wanted.items():
        there = target / name
        if entry.is_dir(follow_symlinks=False):
            there.mkdir(exist_ok=True)
            shutil.copystat(entry.path, there)
            _mirror(Path(entry.path), there)
        elif not os.path.lexists(there):
            shutil.copy2(entry.path, there, follow_symlinks=False)


def _alike(one: "os.DirEntry[str]", other: "os.DirEntry[str]") -> bool:
    mine, its = one.stat(follow_symlinks=False), other.stat(follow_symlinks=False)
    if one.is_dir(follow_symlinks=False):
        return other.is_dir(follow_symlinks=False)
    if (mine.st_mode, mine.st_size, mine.st_mtime_ns) != (its.st_mode, its.st_size, its.st_mtime_ns):
        return False
    if one.is_symlink():
        return os.readlink(one.path) == os.readlink(other.path)
    return not one.is_file() or Path(one.path).read_bytes() == Path(other.path).read_bytes()


class Expected(NamedTuple):
    """The state before the command, and after a run that was not killed."""

    state: dict[str, object]
    work: dict[str, dict[str, str]]
    before: dict[str, object]


def try_once(made: World, attempt: Attempt, expected: Expected) -> bool:
    """Try one attempt, finish the command, and compare with an undisturbed run. Return whether the call was reached."""
    with limits.limit(_LIMIT, "an attempt"):
        return _attempt(made, attempt, expected)


def _attempt(made: World, attempt: Attempt, expected: Expected) -> bool:
    made.reset()
    ended = made.traced(attempt)
    if len(ended.calls) < attempt.number:
        return False
    killed = attempt.action in tracer.WHO
    assert not killed or ended.code == _KILLED, f"exit code {ended.code}"
    made.project.inv("session.list")
    if not killed:
        made.scenario.at_once(made, ended)
    undoes = made.scenario.undo and (attempt.number % 2 if killed else ended.code)
    if undoes:
        made.finish(made.scenario.undo, made.scenario.undone)
    elif ended.code:  # otherwise it claimed success
        made.finish(made.scenario.command, made.scenario.done)
    check(made, expected, expected.before if undoes else expected.state)
    return True


def check(made: World, expected: Expected, state: dict[str, object]) -> None:
    """Assert that nothing is half-done and no byte of work is lost."""
    assert made.alive(), "processes of the neighbour were ended"
    now = made.state()
    if now != state:  # a command that now has nothing left to do counts as finished
        made._inv("session.doctor", "--fix")
        now = made.state()
    assert now == state, f"not whole, (expected, found): {different(now, state)}"
    made.restore()
    work = made.work()
    assert work == expected.work, f"WORK LOST, (expected, found): {different(work, expected.work)}"


def record(made: World) -> tuple[list[tracer.Call], Expected]:
    """Run the command undisturbed; return its system calls and the resulting state."""
    made.reset()
    before = made.state() if made.scenario.undo else {}
    ended = made.traced(traced.NOTHING)
    assert ended.code == 0, ended.said
    state = made.state()
    made.restore()
    return ended.calls, Expected(state, made.work(), before)


def wait_for_programs(project: Project, name: str) -> None:
    """Wait until the programs of the session *name* run."""
    eventually(lambda: project.listed(name)["status"] == "running")


def different(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys whose values differ, with both values."""
    found: dict[str, Any] = {}
    for key in sorted({*now, *before}):
        left, right = before.get(key), now.get(key)
        if isinstance(left, dict) and isinstance(right, dict):
            found |= {f"{key} {name}": pair for name, pair in different(right, left).items()}
        elif left != right:
            found[key] = (left, right)
    return found
