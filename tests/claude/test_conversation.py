"""Whether a conversation is begun or continued: decided by its transcript, at every start."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tasks.claude import hooks, launch, live, transcripts, version
from tasks.model import Agent, Repository, Session, Window
from tasks.resources import claude_launch
from tasks.store import registry

_ID = "11111111-2222-4333-8444-555555555555"
_MARKERS = {"CLAUDECODE", "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SESSION_ID"}


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Each test is another task, which asks again what runs."""
    launch._open.cache_clear()


@pytest.fixture
def session(sandbox: Path) -> Session:
    return made(sandbox)


def made(sandbox: Path, identity: str = _ID) -> Session:
    (sandbox / "main" / ".git").mkdir(parents=True)
    repository = Repository(sandbox / "main", sandbox / "main" / ".git")
    row = {"worktree": str(sandbox / "w"), "branch": "x", "conversation": identity}
    registry.registry_path(repository).write_text(json.dumps({"x": row}))
    return Session(
        "x", "x", repository, sandbox / "w", "x", ports={}, tmux="tally-x", conversation=identity
    )  # fmt: skip


def transcript(config: Path, *records: Any, raw: str = "", directory: str = "-somewhere") -> None:
    file = config / "projects" / directory / f"{_ID}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(record) + "\n" for record in records) + raw)


def arguments(session: Session) -> list[str]:
    """Return what claude is given beyond what the script adds."""
    program, script, *words = shlex.split(launch.conversation_command(session))
    assert (program, Path(script)) == ("sh", launch.start_script_path(session))
    return words


def begun(session: Session, *words: str) -> Any:
    """Run the script as the window does, with a stand-in for claude, and return how that was called."""
    claude_launch.create(session)
    script = str(launch.start_script_path(session))
    subprocess.run(["sh", script, *words], stdin=subprocess.DEVNULL, check=True, capture_output=True)
    log = Path(str(shutil.which("claude"))).with_name("claude.log")
    return json.loads(log.read_text().splitlines()[-1])


def talking(session: Session, **facts: Any) -> Session:
    return session._replace(windows=(Window("claude", claude=True),), **facts)


def _place(session: Session) -> str:
    return transcripts.transcripts_directory(session).name


def saved(session: Session) -> str:
    return str(registry.read_registry(session.repository)["x"]["conversation"])


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
    directory = sandbox / "home" / ".claude" / "projects" / transcripts.directory_name(session.worktree)
    directory.mkdir(parents=True)
    odd = directory / "01234567-89ab-cdef-0123-456789abcdef.jsonl"  # too deep, and begun in no place that can be
    odd.write_text("[" * 100_000 + '\n{"type": "user", "cwd": "/w\\u0000"}\n')

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
    transcript(sandbox / "home" / ".claude", {"type": "user", "cwd": str(session.worktree)}, directory=_place(session))
    assert arguments(session) == ["--resume", _ID]  # what was last used in its worktree
    assert len(saved(session)) == len(_ID)


def test_it_is_no_child_of_the_conversation_that_starts_it(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for marker in _MARKERS:
        monkeypatch.setenv(marker, "1")

    assert not _MARKERS & set(begun(talking(session))["env"])


def test_the_directory_at_add_is_searched_and_handed_on(
    session: Session, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(sandbox / "of another shell"))
    own = talking(session, agent=Agent(config=str(sandbox / "my config")))
    default = talking(session, agent=Agent(config=str(sandbox / "home" / ".claude")))
    transcript(sandbox / "my config", {"type": "user"})

    assert arguments(own) == ["--resume", _ID]
    assert begun(own, "--resume", _ID)["env"]["CLAUDE_CONFIG_DIR"] == str(sandbox / "my config")
    assert "CLAUDE_CONFIG_DIR" not in begun(default)["env"]
    assert arguments(default)[0] == "--session-id"


def test_a_row_that_names_no_directory_uses_the_environments(
    session: Session, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(sandbox / "my config"))
    transcript(sandbox / "my config", {"type": "user"})

    assert arguments(session) == ["--resume", _ID]
    assert begun(talking(session), "--resume", _ID)["env"]["CLAUDE_CONFIG_DIR"] == str(sandbox / "my config")


def test_arguments_note_hooks_and_prompt_follow_the_id(session: Session) -> None:
    agent = Agent(args=("--model", "some model"), note="in {worktree}\nserves {urls}", notify="true")
    asked = talking(session, agent=agent, prompt="-x 'first'\n\n$(second) !line")

    *words, dashes, prompt = begun(asked, "--session-id", _ID)["argv"]

    assert words[:6] == ["--session-id", _ID, "--model", "some model", "--append-system-prompt", f"in {asked.worktree}"]
    assert set(json.loads(words[7])["hooks"]) >= {"UserPromptSubmit", "Notification"}
    assert (dashes, prompt) == ("--", asked.prompt)
    assert not hooks.pending_prompt_path(asked).exists()  # the hook of the first message took it away


@pytest.mark.parametrize(
    ("installed", "archive", "state", "expected"),
    [
        ((2, 1, 332), "", "ready", True), ((2, 1, 332), "a", "adding", True), ((2, 1, 332), "", "adding", False),
        ((2, 1, 197), "", "ready", False), (None, "", "ready", False),
    ],
)  # fmt: skip
def test_a_conversation_that_goes_on_gets_the_note_as_it_is_now(
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    installed: version.Version | None,
    archive: str,
    state: str,
    expected: bool,
) -> None:
    monkeypatch.setattr(version, "installed_version", lambda _program: installed)
    own = talking(session, agent=Agent(note="ours"), archive=archive, state=state)

    assert ("--system-prompt-snapshot off" in launch.start_script(own)) is expected
    given = own._replace(agent=Agent(note="ours", args=("--system-prompt-snapshot", "on")))
    assert "snapshot off" not in launch.start_script(given)


def test_what_the_person_gives_is_not_given_twice(session: Session) -> None:
    agent = Agent(args=("--settings={}", "--append-system-prompt", "mine"), note="ours")

    assert "ours" not in launch.start_script(talking(session, agent=agent))
    assert "UserPromptSubmit" not in launch.start_script(talking(session, agent=agent))


def test_a_prompt_is_not_repeated_once_there_is_a_message(session: Session, sandbox: Path) -> None:
    claude_launch.create(talking(session, prompt="do it"))
    assert hooks.pending_prompt_path(session).stat().st_mode & 0o77 == 0
    assert arguments(session)[0] == "--session-id"  # it was never submitted, as when claude was not installed
    assert hooks.pending_prompt_path(session).exists()
    transcript(sandbox / "home" / ".claude", {"type": "user"})

    assert arguments(session) == ["--resume", _ID]
    assert not hooks.pending_prompt_path(session).exists()


@pytest.mark.parametrize("kind", ["", "title", "user"])
def test_a_transcript_that_was_written_after_the_decision_counts(session: Session, sandbox: Path, kind: str) -> None:
    """As by a conversation that is still being closed: Claude Code refuses to begin one whose transcript exists."""
    asked = talking(session, prompt="do it")
    claude_launch.create(asked)
    words = arguments(asked)
    assert words[:2] == ["--session-id", _ID]
    if kind:
        transcript(sandbox / "home" / ".claude", {"type": "title"}, directory="-a")
        transcript(sandbox / "home" / ".claude", {"type": kind}, directory=_place(session))

    called = begun(asked, *words)["argv"]

    begins, continues = called[:2] == ["--session-id", _ID], called[:2] == ["--resume", _ID]
    assert (begins, continues, _ID in called) == (not kind, kind == "user", kind != "title")
    assert (called[-1] == "do it") is (kind != "user"), "a prompt that was answered is not sent again"


def test_what_is_no_plain_file_is_no_transcript(session: Session, sandbox: Path) -> None:
    projects = sandbox / "home" / ".claude" / "projects"
    (projects / "-a" / f"{_ID}.jsonl").mkdir(parents=True)
    (projects / "-b").mkdir()
    os.mkfifo(projects / "-b" / f"{_ID}.jsonl")

    assert transcripts.session_transcripts(session) == []
    assert arguments(session)[:2] == ["--session-id", _ID]


def test_another_assistant_gets_its_arguments_and_the_prompt_alone(session: Session, sandbox: Path) -> None:
    (sandbox / "bin" / "other").symlink_to(sandbox / "bin" / "gh")
    agent = Agent(command=str(sandbox / "bin" / "other"), args=("--fast",), note="a note", notify="true")
    asked = talking(session, agent=agent, prompt="do it", state="adding")
    claude_launch.create(asked)

    subprocess.run(shlex.split(launch.conversation_command(asked)), check=True)
    claude_launch.create(asked._replace(state="ready", prompt=""))
    subprocess.run(shlex.split(launch.conversation_command(asked)), check=True)

    calls = [json.loads(line)["argv"] for line in (sandbox / "bin" / "gh.log").read_text().splitlines()]
    assert calls == [["--fast", "do it"], ["--fast"]]


def test_an_assistant_that_is_not_installed_is_told_with_what_mends_it(session: Session, sandbox: Path) -> None:
    asked = talking(session, agent=Agent(command="missing/claude"))
    claude_launch.create(asked)

    ended = subprocess.run(["sh", str(launch.start_script_path(asked))], capture_output=True, text=True, check=False)

    assert ended.returncode == 127
    assert "missing/claude is not installed" in ended.stderr
    assert "inv session.resume x" in ended.stderr


def test_a_first_add_neither_looks_for_transcripts_nor_asks_what_runs(
    session: Session, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def ask(about: object) -> list[object]:
        asked.append(about)
        return []

    monkeypatch.setattr(live, "list_live", ask)
    monkeypatch.setattr(transcripts, "session_transcripts", ask)

    assert arguments(session._replace(state="adding"))[0] == "--session-id"
    assert asked == []
    arguments(session._replace(state="adding", archive="somewhere"))
    assert len(asked) == 2


def test_a_conversation_that_is_open_elsewhere_is_not_begun_again(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launch, "_ENDING", 0.5)
    talk = live.Live(_ID, "/there", os.getpid(), "idle", "", 0)
    monkeypatch.setattr(live, "list_live", lambda _agent: [talk])

    assert launch.conversation_command(session) == ""
    assert f"process {os.getpid()} in /there" in capsys.readouterr().err
    ended = subprocess.Popen(["true"])
    launch._open.cache_clear()
    talk = talk._replace(pid=ended.pid)
    assert arguments(session)[0] == "--session-id"  # one that ended and whose parent did not notice yet is not open
    ended.wait()


def test_a_chat_beside_it_is_told_and_never_continued(
    session: Session, sandbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (_ID.replace("1111", f"{digit}" * 4) for digit in (2, 3))
    directory = transcripts.transcripts_directory(session)
    transcript(sandbox / "home" / ".claude", {"type": "user"})
    directory.mkdir()
    for at, (name, facts) in enumerate(
        [
            ("not-an-id", {}), (first, {}), (second, {"cwd": f"{session.worktree}/below", "entrypoint": "cli"}),
            (_ID.replace("1111", "4444"), {"cwd": f"{session.worktree}-other"}),
            (_ID.replace("1111", "5555"), {"entrypoint": "sdk-cli"}),
            (_ID.replace("1111", "6666"), {"type": "summary"}),
        ]
    ):  # fmt: skip
        record = {"type": "user", "cwd": str(session.worktree), **facts}
        (directory / f"{name}.jsonl").write_text(json.dumps({"type": "mode"}) + "\n" + json.dumps(record))
        os.utime(directory / f"{name}.jsonl", (9e9 + at, 9e9 + at))

    assert arguments(session) == ["--resume", _ID]
    assert saved(session) == _ID
    assert f"used later.\nOpen one: claude --resume {second}, {first}\n" in capsys.readouterr().err
    arguments(session._replace(created="2270-01-01T00:00:00+00:00"))  # an earlier session's are older
    assert "used later" not in capsys.readouterr().err


def hooked(session: Session, event: str, **said: str) -> None:
    session.private.mkdir(parents=True, exist_ok=True)
    (session.private / event).write_text(json.dumps(said) + "\n7\n")


def test_what_the_hook_said_is_continued(session: Session, sandbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cleared = _ID.replace("1111", "7777")
    transcript(sandbox / "home" / ".claude", {"type": "user"})
    for odd in ({}, {"session_id": "../x"}, {"session_id": "5"}):
        hooked(session, "SessionStart", **odd)
        assert arguments(session) == ["--resume", _ID]
    hooked(session, "UserPromptSubmit")
    hooked(session, "SessionStart", session_id=cleared, source="clear")

    assert arguments(session) == ["--session-id", cleared, "-n", "tally-x"]  # nothing was said since
    assert saved(session) == cleared
    note = capsys.readouterr().err
    assert f"after /clear. The one before it: claude --resume {_ID}" in note
    assert "gone" not in note


def test_a_transcript_that_is_gone_and_a_turn_without_an_end_are_told(
    session: Session, sandbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hooked(session, "SessionStart", session_id=_ID, source="startup")
    hooked(session, "UserPromptSubmit")
    assert arguments(session)[0] == "--session-id"
    assert f"The transcript of x's conversation {_ID} is gone" in capsys.readouterr().err

    def user(content: object, **facts: object) -> dict[str, object]:
        return {"type": "user", "message": {"role": "user", "content": content}, **facts}

    def assistant(reason: str | None) -> dict[str, object]:
        return {"type": "assistant", "message": {"role": "assistant", "stop_reason": reason, "content": []}}

    asked, result = user("add\nthe  tests " + "x" * 90), user([{"type": "tool_result", "content": "5"}])
    shown = "The last prompt in x was not answered: add the tests xxx"
    for records, is_cut in (
        ([asked], True), ([asked, assistant("tool_use"), result], True), ([asked, assistant(None)], True),
        ([asked, assistant("tool_use"), result, assistant("end_turn")], False),
        ([asked, user([{"type": "text", "text": "[Request interrupted by user]"}])], False),
        ([asked, assistant("end_turn"), user("<task-notification>"), user("/x", isMeta=True)], False),
        ([asked, {**assistant(None), "isApiErrorMessage": True}], False),
        ([{"type": "user", "message": 5}, {"type": "user", "message": {"content": [5, {"type": "text"}]}}], False),
    ):  # fmt: skip
        transcript(sandbox / "home" / ".claude", {"type": "user", "text": "y" * 5_000_000}, *records)
        assert arguments(session) == ["--resume", _ID]
        note = capsys.readouterr().err
        assert (shown in note) is is_cut, records
        assert "gone" not in note
        assert "transcript doesn't have it" not in note
    os.utime(session.private / "UserPromptSubmit", (9e9, 9e9))  # ended before it was written there
    assert arguments(session) == ["--resume", _ID]
    assert "was not answered, and its transcript doesn't have it." in capsys.readouterr().err


# What Claude Code 2.1.329 made of them.
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a.b/c_d/\u00e4 e", "-a-b-c-d---e"),
        ("/dev/shm/hconv/lang/\u00e4 b/" + "x" * 120 + "/" + "y_" * 50 + "\U0001f600",
         "-dev-shm-hconv-lang---b-" + "x" * 120 + "-y" * 28 + "-faqpll"),
    ],
)  # fmt: skip
def test_the_directory_is_named_as_claude_code_names_it(path: str, name: str) -> None:
    assert transcripts.directory_name(Path(path)) == name


def test_permissions_are_never_skipped(session: Session) -> None:
    assert "dangerously" not in launch.conversation_command(session) + launch.start_script(session)


def test_every_new_id_is_another() -> None:
    assert len({launch.new_conversation_id() for _ in range(100)}) == 100
