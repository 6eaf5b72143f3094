"""The work log in the main checkout follows the sessions; what people write there stays."""

import re
import subprocess

import pytest

from tasks.resources.worklog_file import BEGIN, END
from tasks.store import registry
from tasks.tools import git
from testing import failing_inv, transcript
from testing.project import CHECKOUT, INV, Project
from testing.remotes import LIGHT, share

_WRITTEN = b"# Work log\r\n\r\nby hand \xff\n"


@pytest.fixture
def shared(project: Project) -> Project:
    """Return the project with the preset parallel, a remote, sessions without windows, and a log with mode 0640."""
    project.configure(LIGHT)
    (project.main / "WORK_LOG.md").write_bytes(_WRITTEN)
    (project.main / "WORK_LOG.md").chmod(0o640)
    share(project)
    return project


def log(project: Project) -> str:
    """Return our part of the log; all else must be as it was written."""
    file = project.main / "WORK_LOG.md"
    written, begun, rest = file.read_bytes().partition(BEGIN.encode())
    assert (written, bool(begun), rest.endswith(END.encode() + b"\r\n")) == (_WRITTEN, True, True)
    assert file.stat().st_mode & 0o777 == 0o640
    return rest.decode().replace("\r\n", "\n")


def status(project: Project, name: str) -> str:
    """Return the status of *name* in the log, with zeros for the time."""
    (found,) = re.findall(rf"### Session: {name}\n(?:- .*\n)*?- \*\*Status\*\*: (.*)", log(project))
    return re.sub(r"\d\d\d\d-\d\d-\d\d \d\d:\d\d", "0", found)


def test_a_session_is_told_from_its_beginning_to_its_end(shared: Project) -> None:
    shared.inv("session.add", "add-auth", "--component", "server", "--eta", "4h")
    shared.inv("session.add", "feed", "--template", "fix", "--issue", "RSS {status} <b>", "--profile", "test")
    day, started = shared.row("feed")["created"][:10], shared.row("feed")["created"][:16].replace("T", " ")
    assert log(shared).split("<!-- session ")[2] == (
        f"feed {shared.row('feed')['created']}: IN PROGRESS -->\n### Session: feed\n"
        f"- **Branch**: `session-{day.replace('-', '')}-feed`\n- **Started**: {started}\n- **Status**: IN PROGRESS\n"
        "- **Issue**: RSS {status} <b>\n- **Files**:\n  - [ ] Fix in: [file path]\n  - [ ] Add test: [test file]\n"
        "  - [ ] Update changelog\n\n<!-- tally-sessions: end -->\n"
    )
    assert "- **Component**: server\n" in log(shared)
    assert "/add-auth_service.py`\n" in log(shared)
    assert "- **ETA**: 4h\n" in log(shared)
    assert "Issue" not in log(shared).split("<!-- session ")[1]
    shared.inv("session.add", "page", "--component", "ui")
    assert "Work in" not in log(shared)
    shared.inv("session.remove", "page")
    shared.configure(LIGHT + "  components: {ui: [internal_assistant/ui/, web/], server: src/}\n")
    shared.inv("session.add", "view", "--component", "ui")
    assert log(shared).split("**Files**:\n")[-1].partition("\n\n")[0] == (
        "  - [ ] Work in: `internal_assistant/ui`, `web`\n  - [ ] Add tests: `tests/ui/view/test_view.py`\n"
        "  - [ ] Update docs: `docs/developer/view.md`"
    )
    shared.inv("session.remove", "view")

    assert re.search("^profile    test\nissue      RSS", shared.inv("session.show", "feed").out, re.MULTILINE)
    shared.inv("session.stop", "feed")
    assert (status(shared, "add-auth"), status(shared, "feed")) == ("IN PROGRESS", "PAUSED")
    said = shared.inv("session.add", "third", "--dry-run").err
    assert "Other sessions: add-auth (server), feed (paused)" in said
    shared.inv("session.start", "feed")
    assert status(shared, "feed") == "IN PROGRESS"

    shared.git("commit", "--quiet", "--allow-empty", "-m", "mend", cwd=shared.worktree("feed"))
    shared.inv("session.merge", "feed", "--into", "main")
    assert (status(shared, "add-auth"), status(shared, "feed")) == ("IN PROGRESS", "MERGED 0")
    shared.inv("session.remove", "--all")
    assert (status(shared, "add-auth"), status(shared, "feed")) == ("REMOVED 0", "MERGED 0, REMOVED 0")

    shared.inv("session.restore", "feed")
    assert (status(shared, "add-auth"), status(shared, "feed")) == ("REMOVED 0", "MERGED 0")
    shared.inv("session.restore", "add-auth")
    assert status(shared, "add-auth") == "IN PROGRESS"
    assert shared.row("feed")["variables"]["PGPT_PROFILES"] == "test"


@pytest.mark.slow
def test_an_edited_part_is_told_and_left_and_what_was_missed_is_told_later(shared: Project) -> None:
    shared.inv("session.add", "x")
    file = shared.main / "WORK_LOG.md"
    edited = file.read_bytes().replace(END.encode(), b"my end")
    file.write_bytes(edited)

    for task in ("session.add y", "session.stop y", "session.start y", "session.remove x"):
        said = shared.inv(*task.split())
        assert "WORK_LOG.md was not changed: line 4 begins the sessions' part and none ends it" in said.err, task
        assert file.read_bytes() == edited, task
    (told,) = [each for each in shared.inv("session.doctor", "--json", code=1).json if "WORK_LOG" in each["problem"]]
    assert told["fix"] == "inv session.resume y"
    shared.inv("session.stop", "y")
    assert "WORK_LOG" not in shared.inv("session.doctor", code=None).out  # which may start what has problems

    file.write_bytes(edited.replace(b"my end", END.encode()))
    shared.inv("session.resume", "y")
    assert (status(shared, "x"), status(shared, "y")) == ("REMOVED 0", "IN PROGRESS")
    assert not (shared.main / ".git" / "tally-sessions" / "worklog.json").exists()


def test_a_log_that_cannot_be_a_file_is_told_and_the_session_is_there(shared: Project) -> None:
    (shared.main / "WORK_LOG.md").unlink()
    (shared.main / "WORK_LOG.md").mkdir()

    assert "WORK_LOG.md was not changed: it is not a file" in shared.inv("session.add", "x").err
    shared.inv("session.remove", "x")
    shared.configure(LIGHT + "  work_log: nowhere/LOG.md\n")
    assert "nowhere/LOG.md was not changed: No such file or directory" in shared.inv("session.add", "x").err


def test_what_fails_leaves_no_entry_and_what_fails_to_come_back_stays_removed(shared: Project) -> None:
    program = str(failing_inv.__file__)
    shared.git("fetch", "--quiet")  # its FETCH_HEAD stays
    before = shared.world()
    shared.inv("worklog", "create", "after", "error", "session.add", "x", code=1, program=program)
    assert shared.world() == before

    shared.inv("session.add", "x")
    shared.inv("session.remove", "x")
    removed = log(shared)
    (kept,) = (shared.main / ".git" / "tally-sessions" / "removed" / "x").iterdir()
    shared.inv("worklog", "create", "after", "SIGINT", "session.restore", "x", code=130, program=program)
    assert log(shared) == removed

    shared.inv("session.add", "y")
    registry.note_facts(git.find_repository(shared.main), "y", state="adding")  # as a power cut leaves it
    shared.inv("session.remove", "y")
    assert log(shared) == removed
    shared.inv("session.restore", "x")
    registry.note_facts(git.find_repository(shared.main), "x", state="adding", archive=str(kept))
    shared.inv("session.remove", "x")
    assert log(shared) == removed


def test_sessions_that_begin_at_once_are_all_told(shared: Project) -> None:
    names = ["a", "b", "c", "d"]
    running = [
        subprocess.Popen([INV, "session.add", name], cwd=shared.main, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for name in names
    ]
    said = [each.communicate(timeout=100)[1].decode() for each in running]

    assert [each.returncode for each in running] == [0] * 4, said
    assert [status(shared, name) for name in names] == ["IN PROGRESS"] * 4
    assert "Couldn't fetch" not in "".join(said)


def test_the_makefile_of_the_manual_starts_and_lists_sessions(shared: Project) -> None:
    (lines,) = transcript.blocks(CHECKOUT / "docs" / "howto" / "parallel.md", "make")
    assert len(lines.splitlines()) == 2
    (shared.main / "Makefile").write_text(lines)

    def make(*words: str) -> str:
        return subprocess.run(["make", *words], cwd=shared.main, capture_output=True, text=True, check=True).stdout

    assert "attach     inv session.attach add-auth" in make("new-session", "name=add-auth", "component=server")
    make("new-session", "name=free")
    assert [shared.row(name)["component"] for name in ("add-auth", "free")] == ["server", ""]
    assert re.search(r"^add-auth .* server$", make("list-sessions"), re.MULTILINE)


def test_a_log_that_was_empty_is_empty_again(shared: Project) -> None:
    log_file = shared.main / "WORK_LOG.md"
    log_file.write_text("")
    shared.git("add", "WORK_LOG.md")
    shared.git("commit", "--quiet", "-m", "an empty log")

    program = str(failing_inv.__file__)
    shared.inv("worklog", "create", "after", "error", "session.add", "x", code=1, program=program)

    assert log_file.read_text() == ""
    assert shared.git("status", "--porcelain") == ""
