"""The conversation of a session that moves: its transcript goes with it and comes back, and one id has one history."""

import json
import sys
from pathlib import Path

import pytest

from testing.hosts import Fleet
from testing.project import Project, eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")


def _transcripts(home: Path) -> list[Path]:
    return sorted((home / ".claude" / "projects").glob("*/*.jsonl"))


def _said(file: Path) -> list[str]:
    return [record["text"] for record in map(json.loads, file.read_text().splitlines()) if record["type"] == "user"]


def _last_start(fleet: Fleet) -> list[str]:
    words: list[str] = json.loads((fleet.alpha.top.parent / "bin" / "claude.log").read_text().splitlines()[-1])["argv"]
    return words


def _first_turn(here: Project) -> Path:
    """Add x, whose conversation has had a turn; return its transcript."""
    here.configure("session: {windows: [{name: claude, claude: true}]}\n")
    here.inv("session.add", "x")
    eventually(lambda: here.listed("x")["claude"] == "idle")
    here.inv("session.send", "x", "first")
    (file,) = _transcripts(Path.home())
    eventually(lambda: '"assistant"' in file.read_text())
    return file


@pytest.mark.slow
def test_a_conversation_goes_on_where_its_session_is(ready: Fleet) -> None:
    here, alpha = ready.here, ready.alpha
    here.configure("session: {windows: [{name: claude, claude: true}]}\n")
    home = Path.home()
    here.inv("session.add", "x")
    eventually(lambda: here.listed("x")["claude"] == "idle")
    here.inv("session.send", "x", "first")
    (file,) = _transcripts(home)
    identity = file.stem
    beside = file.with_suffix("") / "subagents"
    beside.mkdir(parents=True)
    (beside / "agent.jsonl").write_text("{}\n")
    eventually(lambda: '"assistant"' in file.read_text())

    here.inv("fleet.move", "x", "--host", "alpha")
    (there,) = _transcripts(alpha.home)
    assert (there.stem, _said(there)) == (identity, ["first"])
    assert there.parent.name.endswith("alpha-home-dev-tally-x")
    assert (there.with_suffix("") / "subagents" / "agent.jsonl").exists()
    eventually(lambda: _last_start(ready)[:2] == ["--resume", identity])
    here.inv("fleet.send", "x", "second")
    eventually(lambda: _said(there) == ["first", "second"])
    eventually(lambda: there.read_text().count('"assistant"') == 2)

    here.inv("fleet.move", "x", "--host", "here")
    assert [each.stem for each in _transcripts(home)] == [identity]
    assert _said(file) == ["first", "second"], "what was here is the beginning of what came back"
    assert here.row("x")["conversation"] == identity
    here.inv("session.stop", "x")
    there.write_text(json.dumps({"type": "user", "text": "another history"}) + "\n")

    moved = here.inv("fleet.move", "x", "--host", "alpha")
    assert f"has the id of x's conversation, {identity}, and another history. A new conversation begins." in moved.err
    row = json.loads((alpha.main / ".tally-sessions").read_text())["x"]
    assert row["conversation"] != identity
    assert _said(there)[-1] == "another history"


@pytest.mark.slow
def test_what_stays_on_the_first_machine_begins_a_copy_of_the_conversation(ready: Fleet) -> None:
    here, alpha = ready.here, ready.alpha
    file = _first_turn(here)
    here.inv("fleet.move", "x", "--host", "alpha")

    here.inv("session.restore", "x")
    eventually(lambda: "--fork-session" in _last_start(ready))
    assert here.row("x")["conversation"] != file.stem
    assert json.loads((alpha.main / ".tally-sessions").read_text())["x"]["conversation"] == file.stem


@pytest.mark.slow
def test_a_move_that_fails_leaves_no_transcript_there(ready: Fleet) -> None:
    here, alpha = ready.here, ready.alpha
    file = _first_turn(here)
    ready.ssh(alpha, "cd ~/dev/tally && git branch x $(git commit-tree HEAD^{tree} -p HEAD -m other)")

    assert "Another branch x exists" in here.inv("fleet.move", "x", "--host", "alpha", code=1).err
    assert _transcripts(alpha.home) == []
    assert _said(file) == ["first"]
