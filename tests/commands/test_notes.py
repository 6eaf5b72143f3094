"""What add, start and list tell a person who would else wonder."""

from pathlib import Path

from testing.project import Project


def test_a_missing_claude_and_a_reboot_are_told_with_what_to_run(project: Project, sandbox: Path) -> None:
    project.configure("session: {windows: [{name: claude, claude: true}]}\n")
    (sandbox / "bin" / "claude").unlink()

    added = project.inv("session.add", "x").err
    project.inv("session.stop", "x")
    listed = project.inv("session.list").err
    started = project.inv("session.resume").err

    missing = "claude is not installed, or not on PATH.\nRun: npm install -g @anthropic-ai/claude-code\n"
    assert missing in added
    assert missing in started
    assert started.count("not installed") == 1
    assert "No session is running.\nRun: inv session.resume\n" in listed
    assert "No session" not in project.inv("session.list").err
