"""The values of `variables` are for the session's own processes: nobody else is shown them."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.config.secrets import without_value
from tasks.tools import tmux as tools_tmux
from testing.project import Project, eventually
from testing.terminal import tmux

_MARKER = "s3cr3t-0f-th3-person"
_WINDOWS = "[{name: one}, {name: two, run: sleep 300}]"


def _visible(sandbox: Path) -> list[str]:
    """Return the arguments of every process of the sandbox, as everybody can read them."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("HOME") == str(sandbox / "home"):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def _configured(project: Project, setup: str = "[]") -> None:
    project.configure(
        f"session: {{activate: '', windows: {_WINDOWS}, setup: {setup}, variables: {{API_TOKEN: {_MARKER}}}}}\n"
    )


def test_no_process_has_the_value_of_a_variable_among_its_arguments(project: Project, sandbox: Path) -> None:
    seen = sandbox / "seen"
    look = f'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\\\0" " " >> {seen}; echo "$API_TOKEN" > {sandbox}/told'
    _configured(project, f"['{look}']")
    visible = []
    for words in (("add", "x"), ("stop", "x"), ("start", "x"), ("resume", "x"), ("run", "x", look)):
        project.inv(f"session.{words[0]}", *words[1:])
        visible += _visible(sandbox)
    tmux("kill-window", "-t", "=tally-x:two")
    project.inv("session.resume", "x")
    visible += _visible(sandbox)

    assert any("tmux" in line for line in visible)
    assert [line for line in visible if _MARKER in line] == []
    assert _MARKER not in seen.read_text()
    assert (sandbox / "told").read_text() == f"{_MARKER}\n"


def test_every_window_has_the_value(project: Project, sandbox: Path) -> None:
    _configured(project)
    project.inv("session.add", "x")
    tmux("kill-window", "-t", "=tally-x:one")
    project.inv("session.resume", "x")

    pids = tmux("list-panes", "-s", "-t", "=tally-x:", "-F", "#{pane_pid}").split()

    assert [psutil.Process(int(pid)).environ()["API_TOKEN"] for pid in pids] == [_MARKER] * 2
    eventually(lambda: "sleep 300" in _visible(sandbox))


def test_what_is_echoed_names_the_variable_only(project: Project) -> None:
    _configured(project)
    said = [project.inv("--echo", f"session.{verb}", "x") for verb in ("add", "stop", "start", "remove")]

    assert [each for each in said if _MARKER in each.out + each.err] == []
    assert "API_TOKEN=…" in said[0].err
    assert "new-session" in said[0].err
    assert f"+ mv {project.worktree('x')} " in said[3].err


@pytest.mark.parametrize("table", ["variables", "env"])
@pytest.mark.parametrize("value", [f"[{_MARKER}]", f"{{a: {_MARKER}}}", f"'{_MARKER} {{nothing}}'"])
def test_an_error_of_the_configuration_names_the_variable_only(project: Project, table: str, value: str) -> None:
    values = f"{{API_TOKEN: {value}}}"
    project.configure(
        f"session: {{windows: [], {table}: {values if table == 'variables' else f'{{.env: {values}}}'}}}\n"
    )

    said = project.inv("session.add", "x", code=1).err

    assert "API_TOKEN" in said
    assert _MARKER not in said


def test_an_error_of_the_registry_names_the_variable_only(project: Project) -> None:
    _configured(project)
    project.inv("session.add", "x")
    file = project.main / ".tally-sessions"
    file.write_text(file.read_text().replace(f'"{_MARKER}"', f'["{_MARKER}"]'))

    said = project.inv("session.show", "x", code=1).err

    assert "variables" in said
    assert _MARKER not in said
    assert without_value(f'    "API_TOKEN": "{_MARKER}\udcff"') == '    "API_TOKEN": …'
    assert without_value('    "worktree": "/a\udcff"') == '    "worktree": "/a\udcff"'


_NASTY = (
    "", "~", "~root/x", "#{pid}", "#(touch x)", "a;b", ";", "\\;", "$HOME", "${HOME}", "'", '"', "\\", "a\nb",
    "\n  # x", "\ttab\x01", "%if 1", "{x}", "é😀", "\udcff", " a ", "-e", "\\134", "x\\", "#", "#,", "a=b", "`id`",
    "x" * 20000,
)  # fmt: skip
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)


@pytest.fixture
def server(sandbox: Path) -> Path:
    """Have a tmux server that keeps running; return where its windows write to."""
    subprocess.run(["tmux", "new-session", "-d", "-s", "kept", "sleep", "600"], check=True)
    return sandbox / "value"


def _as_told(values: Sequence[str], file: Path) -> list[str]:
    """Return what the programs in windows find in their environment after tmux was told *values* for them."""
    places = [file.with_name(f"{file.name}-{number}") for number in range(len(values))]
    opening = ("new-window", "-d", "-t", "=kept:")
    tools_tmux.begin_tmux(
        [
            (*opening, "-e", f"VALUE={value}", f'printf %s "$VALUE" > {place}.part; mv {place}.part {place}')
            for value, place in zip(values, places, strict=True)
        ],
        {**os.environ},
    )
    eventually(lambda: all(place.exists() for place in places))
    found = [place.read_bytes().decode(errors="surrogateescape") for place in places]
    for place in places:
        place.unlink()
    return found


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_TEXT, min_size=1, max_size=8))
def test_tmux_is_told_every_value_as_it_is(server: Path, values: list[str]) -> None:
    assert _as_told(values, server) == values


def test_tmux_is_told_each_of_these_as_it_is(server: Path) -> None:
    assert list(map(ascii, _as_told(_NASTY, server))) == list(map(ascii, _NASTY))
