"""Whether a conversation is begun or continued: decided by its transcript, at every start."""

import json
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tasks import conversation, registry
from tasks.model import Repository, Session

_ID = "11111111-2222-4333-8444-555555555555"
_MARKERS = {"CLAUDECODE", "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SESSION_ID"}


@pytest.fixture
def session(sandbox: Path) -> Session:
    return made(sandbox)


def made(sandbox: Path, identity: str = _ID) -> Session:
    (sandbox / "main" / ".git").mkdir(parents=True)
    repository = Repository(sandbox / "main", sandbox / "main" / ".git")
    row = {"worktree": str(sandbox / "w"), "branch": "x", "conversation": identity}
    registry.path(repository).write_text(json.dumps({"x": row}))
    return Session(
        "x", "x", repository, sandbox / "w", "x", ports={}, tmux="tally-x", conversation=identity
    )  # fmt: skip


def transcript(config: Path, *records: Any, raw: str = "", directory: str = "-somewhere") -> None:
    file = config / "projects" / directory / f"{_ID}.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("".join(json.dumps(record) + "\n" for record in records) + raw)


def arguments(session: Session) -> list[str]:
    """Return what claude is given."""
    words = shlex.split(conversation.command(session))
    return words[words.index("claude") + 1 :]


def saved(session: Session) -> str:
    return str(registry.rows(session.repository)["x"]["conversation"])


def test_without_a_transcript_it_begins_with_the_sessions_id_and_name(session: Session) -> None:
    assert arguments(session) == ["--session-id", _ID, "-n", "tally-x"]
    assert saved(session) == _ID


@pytest.mark.parametrize("kind", ["user", "assistant"])
def test_a_transcript_with_a_message_is_resumed(session: Session, sandbox: Path, kind: str) -> None:
    transcript(sandbox / "home" / ".claude", {"type": "summary"}, {"type": kind})

    assert arguments(session) == ["--resume", _ID]
    assert saved(session) == _ID


@pytest.mark.parametrize(
    "raw",
    ["", "\n", "not json\n", '{"type": "summary"}\n', '"user"\n', "[]\n", '{"type": "user"', '{"type": "queue"}\n'],
)
def test_a_transcript_without_a_message_gets_a_new_id_that_is_saved(session: Session, sandbox: Path, raw: str) -> None:
    transcript(sandbox / "home" / ".claude", raw=raw)

    found = arguments(session)

    assert found == ["--session-id", saved(session), "-n", "tally-x"]
    assert saved(session) != _ID


def test_a_torn_last_line_does_not_hide_the_messages_before(session: Session, sandbox: Path) -> None:
    transcript(sandbox / "home" / ".claude", {"type": "user"}, raw='{"type": "assi')

    assert arguments(session) == ["--resume", _ID]


def test_one_usable_transcript_of_two_is_enough(session: Session, sandbox: Path) -> None:
    transcript(sandbox / "home" / ".claude", raw="broken", directory="-a")
    transcript(sandbox / "home" / ".claude", {"type": "user"}, directory="-b")

    assert arguments(session) == ["--resume", _ID]


def test_a_session_without_an_id_gets_one_that_is_saved(sandbox: Path) -> None:
    session = made(sandbox, identity="")
    transcript(sandbox / "home" / ".claude", {"type": "user"})

    found = arguments(session)

    assert found[:2] == ["--session-id", saved(session)]
    assert len(saved(session)) == len(_ID)


def test_it_is_no_child_of_the_conversation_that_starts_it(session: Session) -> None:
    words = shlex.split(conversation.command(session))

    assert words[0] == "env"
    assert {word for before, word in pairwise(words) if before == "-u"} == _MARKERS


def test_the_configured_directory_is_searched_and_handed_on(
    session: Session, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(sandbox / "my config"))
    transcript(sandbox / "my config", {"type": "user"})

    words = shlex.split(conversation.command(session))

    assert f"CLAUDE_CONFIG_DIR={sandbox}/my config" in words
    assert words[-2:] == ["--resume", _ID]


def test_without_a_configured_directory_none_is_set(session: Session) -> None:
    assert "CLAUDE_CONFIG_DIR" not in conversation.command(session)


def test_permissions_are_never_skipped(session: Session) -> None:
    assert "dangerously" not in conversation.command(session)


def test_every_new_id_is_another() -> None:
    assert len({conversation.new_id() for _ in range(100)}) == 100
