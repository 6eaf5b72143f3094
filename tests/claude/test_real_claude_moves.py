"""The conversation of the real Claude Code moves to a host with its session, and back."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing import claude_api, hosts, missing
from testing.hosts import Fleet
from testing.project import Project, eventually
from testing.real_claude import becomes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")


@pytest.fixture
def fleet(real: Project, sandbox: Path, api: claude_api.Server) -> Iterator[Fleet]:
    """Return the project with a host, whose `claude` is the real one as well."""
    missing.require("ssh", "ssh-keygen", "sshd")
    made = hosts.make(sandbox, real)
    alpha = made.alpha
    alpha.main.parent.mkdir()
    real.git("clone", "--quiet", str(real.main), str(alpha.main))
    (alpha.home / ".claude.json").write_text(claude_api.claude_json(alpha.main))
    (alpha.home / ".claude").mkdir()
    (alpha.home / ".claude" / "settings.json").write_text('{"permissions": {"defaultMode": "default"}}')
    with (alpha.home / ".bashrc").open("a") as file:
        file.writelines(f"export {key}={value}\n" for key, value in api.environment.items())
    yield made
    for machine in (made.alpha, made.beta):
        machine.end()


def _transcript(home: Path) -> Path:
    (file,) = (home / ".claude" / "projects").glob("*/*.jsonl")
    return file


def _prompts(api: claude_api.Server) -> list[str]:
    """Return the person's words in the last turn that the API was asked for."""
    found = []
    for message in api.requests[-1]["messages"]:
        content = message["content"] if isinstance(message["content"], list) else [{"text": message["content"]}]
        if message["role"] == "user":
            found += [block.get("text", "") for block in content]
    return [text for text in found if text.startswith("DO say")]


def _screen(fleet: Fleet) -> str:
    return fleet.ssh(fleet.alpha, "tmux capture-pane -p -t =tally-x: 2>&1", check=False)


def _sees(fleet: Fleet, text: str) -> None:
    """Wait until Claude Code on alpha has said *text* and is at its prompt."""

    def is_so() -> bool:
        return f"\u25cf {text}" in _screen(fleet) and fleet.session("x").get("claude") == "idle"

    try:
        eventually(is_so, 120)
    except AssertionError:
        raise AssertionError(f"{fleet.session('x')}\n{_screen(fleet)}") from None


def test_a_real_conversation_goes_on_where_its_session_is(fleet: Fleet, api: claude_api.Server) -> None:
    here, alpha, home = fleet.here, fleet.alpha, Path.home()
    here.inv("session.add", "x", "--prompt", "DO say first")
    becomes(here, claude="idle", claude_what="first")
    identity = here.row("x")["conversation"]
    assert _transcript(home).stem == identity

    here.inv("fleet.move", "x", "--host", "alpha")
    row = json.loads((alpha.main / ".tally-sessions").read_text())["x"]
    assert row["conversation"] == identity == _transcript(alpha.home).stem
    _sees(fleet, "first")
    here.inv("fleet.send", "x", "DO say second")
    _sees(fleet, "second")
    assert _prompts(api) == ["DO say first", "DO say second"], "it knows what was said before it moved"
    assert _transcript(alpha.home).stem == identity

    here.inv("fleet.move", "x", "--host", "here")
    becomes(here, claude="idle")
    assert (here.row("x")["conversation"], _transcript(home).stem) == (identity, identity)
    here.inv("session.send", "x", "DO say third")
    becomes(here, claude="idle", claude_what="third")
    assert _prompts(api) == ["DO say first", "DO say second", "DO say third"]
