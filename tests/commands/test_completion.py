"""What Tab offers, through Invoke's own scripts in real shells."""

import json
import subprocess
from pathlib import Path

import pytest

from tasks.model import Repository
from tasks.store import host_cache
from testing import missing, transcript
from testing.project import CHECKOUT, Project

_ROW = {"worktree": "/nowhere/a", "branch": "a"}
_MORE = {
    "windows": [{"name": "backend:8000"}, {"name": "cli"}], "compose": {"services": ["db", "web"]},
    "env_files": [".env.session", "apps/web/.env.session"],
}  # fmt: skip
_CLAIMED = {"feature/auth": {**_ROW, **_MORE}, "fix": {**_ROW, "windows": [{"name": "shell"}]}}
_HOSTILE = {"$(touch pwned)": _ROW, "two words": _ROW, "--force": _ROW, "`x`": _ROW}


@pytest.fixture
def named(project: Project) -> Project:
    (project.main / ".tally-sessions").write_text(json.dumps(_CLAIMED))
    return project


def offered(project: Project, *words: str) -> list[str]:
    said = project.inv("--complete", "--", "inv", *words, code=None)
    assert said.err == ""
    return said.out.split()


_NAMES = ["feature/auth", "fix"]


_FITS = {
    "session.attach": _NAMES,
    "session.rm fea": _NAMES,
    "session.compare fix fea": _NAMES,
    "session.remove --force session.resume f": _NAMES,
    "session.remove --force fea": _NAMES,
    "session.remove fix": ["fix", "feature/auth"],
    "session.stop fix --all fea": ["feature/auth"],
    "session.stop fix,fea": ["fix,feature/auth"],
    "session.remove --force": _NAMES,
    "session.logs --lines 20": _NAMES,
    "session.logs --window cli": ["cli", *_NAMES],
    "session.pr": [*_NAMES, "session.pr", "session.prune"],
    "session.logs --window": ["backend", "cli", "shell"],
    "session.logs fix --window s": ["shell"],
    "session.logs --window=c": ["--window=backend", "--window=cli", "--window=shell", "backend", "cli", "shell"],
    "session.logs --window = c": ["backend", "cli", "shell"],  # as bash splits it
    "session.logs --window =": ["backend", "cli", "shell"],
    "session.logs feature/auth --service": ["db", "web"],
    "session.list --sort": ["attention", "name", "age"],
    "session.diff --stat f": _NAMES,
    "session.open fix --window": ["shell"],
    "session.env fix --app": [],
    "session.env feature/auth --app": ["apps/web"],
    "session.add x --mode n": ["docker", "native"],
    "session.add x --base": ["main"],
    "session.merge fix --into": ["main"],
    "session.add x --template": ["feature", "fix", "server", "component"],
    "session.add x --component se": ["server"],
    "fleet.setup": ["devbox"],
    "fleet.add x --host": ["devbox"],
    "fleet.move x --host": ["devbox", "here"],
    "fleet.move": ["far", *_NAMES],
    "fleet.show f": ["far"],
    "fleet.show --host other f": [],
    "fleet.logs far --window": [],
    "session.add fe": [],  # it is to be a new one, and the shell offers files
    "session.add x --prompt-file": [],
    "session.add --prompt-file s": [],
    "session.send fix 'it is": [],
    "fleet.move x -H": ["devbox", "here"],
}  # fmt: skip


def test_what_fits_is_offered(named: Project) -> None:
    named.configure("session: {work_log: WORK_LOG.md, components: {server: src/}}")
    (Path.home() / ".invoke.yaml").write_text("session: {hosts: {devbox: {host: dev@devbox, path: ~/x}}}")
    repository = Repository(named.main, named.main / ".git")
    host_cache.note_answers(repository, {"devbox": ({"far": []}, 0.1)}, ["devbox"])

    assert {line: offered(named, *line.split()) for line in _FITS} == _FITS


def test_after_a_complete_name_tasks_and_flags_are_offered_as_before(named: Project) -> None:
    assert "session.resume" in offered(named, "ses")
    assert "session.resume" in offered(named, "session.attach", "fix", "")
    assert "--force" in offered(named, "session.remove", "fix", "--f")
    assert "session.list" in offered(named, "session.list")


@pytest.mark.slow
def test_what_was_removed_is_offered_to_restore(project: Project) -> None:
    project.inv("session.add", "x")
    project.inv("session.remove", "x")

    assert offered(project, "session.restore", "") == ["x"]
    assert offered(project, "session.permissions", "") == ["x"]
    (time,) = offered(project, "session.restore", "x", "--at")
    project.inv("session.restore", "x", "--at", time)
    project.inv("session.remove", "x")
    project.inv("session.add", "x")
    taken = project.inv("session.restore", "x", code=1).err
    assert "Run: inv session.remove x\nThen run: inv session.restore x --at 2" in taken
    project.inv("session.remove", "x")
    assert ". Known: x\nList them" in project.inv("session.restore", "typo", code=1).err
    said = project.inv("session.restore", "x", "--at", "1999", code=1).err
    assert '"x" has a time that starts with "1999". Known: 2' in said


def test_nothing_that_is_broken_is_told_below_a_half_typed_line(named: Project) -> None:
    (named.main / ".tally-sessions").write_text("{broken")
    assert "session.attach" in offered(named, "session.attach")

    (named.main / ".git" / "tally-sessions" / "removed" / "x" / "20250101T000000.000000").mkdir(parents=True)
    (named.main / ".git" / "tally-sessions" / "removed" / "x" / "20250101T000000.000000" / "row.json").write_text("{")
    offered(named, "session.restore")

    (named.main / "invoke.yaml").write_text("session: {preset: [")
    assert offered(named, "session.attach") == []


def test_what_a_shell_would_run_or_split_is_not_offered(project: Project) -> None:
    (project.main / ".tally-sessions").write_text(json.dumps({**_CLAIMED, **_HOSTILE}))

    assert offered(project, "session.attach") == _NAMES


# As readline and the line editor do it: the lines of the manual, the function that they define, and what it leaves.
_SHELLS = {
    "bash": 'COMP_WORDS=(inv {line}); _complete_invoke inv {last}; echo "${{COMPREPLY[@]}}"',
    "zsh": "words=(inv {line}); _complete_invoke; echo $reply",
    "fish": "complete -C 'inv {line}'",
}


@pytest.mark.slow
@pytest.mark.parametrize("shell", list(_SHELLS))
def test_the_lines_in_the_manual_make_the_shells_complete_a_name_and_a_value(named: Project, shell: str) -> None:
    missing.require(shell)
    (lines,) = transcript.blocks(CHECKOUT / "docs" / "howto" / "daily.md", shell)

    def completed(line: str, last: str) -> list[str]:
        script = lines + _SHELLS[shell].format(line=line, last=last)
        done = subprocess.run(
            [shell, "-c", script], cwd=named.main, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        return done.stdout.split()

    assert "feature/auth" in completed("session.remove --force fea", "fea")
    assert "backend" in completed("session.logs feature/auth --window b", "b")
    if shell == "fish":  # bash and zsh offer files themselves where nothing is printed
        assert "frontend/" in completed("session.add x --prompt-file fr", "")


def test_what_hosts_said_is_remembered_until_they_say_otherwise(tmp_path: Path) -> None:
    repository = Repository(tmp_path, tmp_path)
    repository.private.mkdir()
    host_cache.note_answers(repository, {"a": ({"x": [1], "y": [2]}, 0), "b": ({"z": [3]}, 0)}, ["a", "b"])
    host_cache.note_answers(repository, {"a": ({"x": [1]}, 0)}, ["a", "b"])
    assert host_cache.read_host_names(repository) == {"a": ["x"], "b": ["z"]}

    host_cache.note_host_of_session(repository, "x", "b")
    assert host_cache.read_host_names(repository) == {"b": ["z", "x"]}
    host_cache.note_host_of_session(repository, "z")
    host_cache.note_answers(repository, {}, ["a"])
    assert list(repository.private.iterdir()) == []

    (repository.private / "fleet.json").write_text('{"a": 3, "b": {"sessions": {"x": [4]}}, "c": {"sessions": [4]}}')
    assert host_cache.read_host_names(repository) == {"b": ["x"]}
    (repository.private / "fleet.json").write_text("[")
    assert host_cache.read_host_names(repository) == {}
