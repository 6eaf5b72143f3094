"""A session that goes on from another one: its commits, uncommitted work and conversation, which stay there too."""

import json
from pathlib import Path

from testing.project import Project, eventually


def _status(project: Project, name: str) -> str:
    return project.git("status", "--porcelain=v1", "--untracked-files=all", cwd=project.worktree(name))


def _begin(project: Project) -> Path:
    """Add the session a with work of every kind, and a conversation."""
    project.inv("session.add", "a", "--prompt", "remember this")
    old = project.worktree("a")
    (old / "done.txt").write_text("done\n")
    project.git("add", "done.txt", cwd=old)
    project.git("commit", "--quiet", "-m", "done", cwd=old)
    (old / "staged.txt").write_text("staged\n")
    project.git("add", "staged.txt", cwd=old)
    (old / "done.txt").write_text("changed\n")
    (old / "new").mkdir()
    (old / "new" / "note.txt").write_text("untracked\n")
    (old / "secret").write_text("for me\n")
    (old / "secret").chmod(0o600)
    (old / "backend" / ".env").write_text("OWN=1\n")
    eventually(lambda: project.listed("a")["claude"] == "idle")
    return old


def test_a_fork_has_the_commits_the_work_and_the_conversation_and_leaves_the_other(
    project: Project, sandbox: Path
) -> None:
    old = _begin(project)
    before = _status(project, "a")
    first = project.row("a")["conversation"]

    told = project.inv("session.add", "b", "--fork", "a").err

    assert "secret stays in a only, because only you may read it." in told
    new = project.worktree("b")
    assert _status(project, "b") == before.replace("?? secret\n", "").replace("\n?? secret", "")
    assert _status(project, "a") == before
    assert "A  staged.txt" in before and "M done.txt" in before
    assert (new / "done.txt").read_text() == "changed\n"
    assert project.git("show", "HEAD:done.txt", cwd=new) == "done"
    assert "OWN" not in (new / "backend" / ".env").read_text()
    row = project.row("b")
    assert (row["base"], row["forks"], row["conversation"] != first) == ("a", first, True)
    eventually(lambda: project.listed("b")["claude"] == "idle")
    calls = [json.loads(line)["argv"] for line in (sandbox / "bin" / "claude.log").read_text().splitlines()]
    assert calls[-1][:5] == ["--resume", first, "--fork-session", "--session-id", row["conversation"]]
    assert project.listed("a")["claude"] == "idle"

    note = project.main / ".git/tally-sessions/conversations/b/SessionStart"
    note.write_text(note.read_text().replace(row["conversation"], first))  # as 2.1.197 has it
    project.inv("session.stop", "b")
    project.inv("session.start", "b")
    eventually(lambda: project.listed("b")["claude"] == "idle")
    calls = [json.loads(line)["argv"] for line in (sandbox / "bin" / "claude.log").read_text().splitlines()]
    assert calls[-1][:2] == ["--resume", row["conversation"]] and "--fork-session" not in calls[-1]
    assert (old / "secret").exists()


def test_a_conversation_by_its_id_goes_on_and_what_cannot_is_refused(project: Project, sandbox: Path) -> None:
    project.inv("session.add", "a", "--prompt", "remember this")
    eventually(lambda: project.listed("a")["claude"] == "idle")
    first = project.row("a")["conversation"]
    project.inv("session.add", "b", "--continue-from", first)
    eventually(lambda: project.listed("b")["claude"] == "idle")
    last = json.loads((sandbox / "bin" / "claude.log").read_text().splitlines()[-1])["argv"]
    assert last[:3] == ["--resume", first, "--fork-session"]
    assert project.row("b")["base"] == "main"

    project.git("checkout", "--quiet", "-b", "other", cwd=project.worktree("a"))
    before = project.world()
    for arguments, message in (
        (("--continue-from", "8c8f"), "No conversation '8c8f' in "),
        (("--continue-from", first, "--fork", "a"), "Give --fork or --continue-from, not both."),
        (("--fork", "b", "--base", "main"), "--fork starts from the branch of b."),
        (("--fork", "a"), "a is on other, not on its branch a."),
        (("--fork", "nobody"), 'No session "nobody"'),
    ):
        assert message in project.inv("session.add", "c", *arguments, code=1).err
    assert project.world() == before
