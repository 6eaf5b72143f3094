"""`inv embed --claude` gives Claude Code hooks and a skill, and changes nothing that a person wrote."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from develop import embedding
from develop.embedding import assistant
from tasks.collection import ns
from testing import missing

_THEIRS = """{
    "permissions": {"allow": ["Bash(ls)"]},
    "hooks": {
        "WorktreeCreate": [
            {"hooks": [{"type": "command", "command": "theirs"}]}
        ]
    }
}
"""


@pytest.mark.slow
def test_it_is_offered_and_written_only_when_it_is_asked_for(target: Path) -> None:
    assert "--claude" in embedding.embed(target).partition("Next")[2]
    assert not (target / ".claude").exists()

    said = embedding.embed(target, claude=True)
    assert "Wrote .claude/settings.json: worktrees" in said and f"Wrote {assistant.SKILL}." in said
    paths = f"tasks tasks.py docs/sessions.md invoke.yaml .gitignore .claude/settings.json {assistant.SKILL}"
    assert f"git add {paths} requirements-dev.txt &&" in said
    hooks = json.loads((target / assistant.SETTINGS).read_text())["hooks"]
    assert [*hooks] == ["WorktreeCreate", "WorktreeRemove"]
    script = hooks["WorktreeCreate"][0]["hooks"][0]["command"].partition("/")[2]
    assert (target / script).is_file()
    assert ".claude" not in embedding.embed(target, claude=True).partition("Next")[0]


def test_with_the_package_its_hooks_have_a_program_that_needs_none(target: Path) -> None:
    said = embedding.embed(target, claude=True, package="tally-sessions==9")

    hooks = json.loads((target / assistant.SETTINGS).read_text())["hooks"]
    script = hooks["WorktreeRemove"][0]["hooks"][0]["command"].partition("/")[2]
    assert f"{assistant.SKILL} {script} " in said
    event = json.dumps({"hook_event_name": "WorktreeRemove", "worktree_path": "/x"})
    argv = [sys.executable, "-I", "-S", str(target / script)]
    own = {**os.environ, "PYTHONPATH": missing.hide_package(target.parent / "hidden")}
    ended = subprocess.run(argv, input=event, env=own, capture_output=True, text=True, check=False)
    assert "tally-sessions is not installed here. Run: pip install" in ended.stderr  # says `inv` in that repository


@pytest.mark.slow
def test_settings_of_theirs_are_only_added_to(target: Path) -> None:
    file = target / assistant.SETTINGS
    file.parent.mkdir()
    file.write_text(_THEIRS)

    assert "Added hooks to .claude/settings.json" in embedding.embed(target, claude=True)
    text = file.read_text()
    left, added = _THEIRS.split('command", "command": "theirs"}]}\n'), json.loads(text)["hooks"]
    assert text.startswith(left[0]) and text.endswith("    }\n}\n")
    assert added["WorktreeCreate"][0]["hooks"][0]["command"] == "theirs"
    assert re.findall(r"\n( *)\"Worktree", text) == [" " * 8] * 2
    assert text.count("worktree_hook.py") == 2


@pytest.mark.slow
@pytest.mark.parametrize("text", ["// mine\n{}", "[]", '{"hooks": []}', '{"hooks": {"WorktreeCreate": {}}}'])
def test_settings_that_cannot_be_added_to_are_kept_and_the_lines_shown(target: Path, text: str) -> None:
    file = target / assistant.SETTINGS
    file.parent.mkdir()
    file.write_text(text)

    assert '"WorktreeRemove": [' in embedding.embed(target, claude=True)
    assert file.read_text() == text


def test_a_skill_that_was_changed_stays(target: Path) -> None:
    embedding.embed(target, claude=True)
    (target / assistant.SKILL).write_text("mine")
    assert f"Kept {assistant.SKILL}" in embedding.embed(target, claude=True)
    assert (target / assistant.SKILL).read_text() == "mine"


def test_the_skill_names_only_tasks_and_flags_that_exist(target: Path) -> None:
    embedding.embed(target, claude=True)
    text = (target / assistant.SKILL).read_text()
    assert re.match(r"---\nname: sessions\ndescription: .{20,}\n---\n", text)
    commands = re.findall(r"`inv session\.(\w+)([^`]*)`", text)
    assert len(commands) > 9
    for name, arguments in commands:
        flags = {
            flag.replace("_", "-")
            for each in ns.collections["session"].tasks[name].get_arguments()
            for flag in each.names
        }
        assert set(re.findall(r"--([a-z-]+)", arguments)) <= flags, name
