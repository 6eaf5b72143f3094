"""Sessions without git and tmux, for tests of permissions, and a `claude` of any version."""

import json
from pathlib import Path
from typing import Any

from tasks.claude import rules as claude_rules
from tasks.model import Repository, Session, Window
from tasks.store import registry, rows


def install(sandbox: Path, version: str) -> None:
    """Put a `claude` on PATH that claims to be *version* and counts the calls."""
    script = sandbox / "bin" / "claude"
    script.write_text(f"#!/bin/sh\necho asked >> {sandbox}/asked\necho '{version}'\n")
    script.chmod(0o755)


def asked(sandbox: Path) -> int:
    """Return how often the installed `claude` was asked for its version."""
    file = sandbox / "asked"
    return len(file.read_text().splitlines()) if file.exists() else 0


def session(sandbox: Path, *names: str) -> list[Session]:
    """Return sessions called *names* with rows and empty worktrees."""
    repository = Repository(sandbox / "main", sandbox / "main" / ".git")
    repository.common.mkdir(parents=True)
    made = [
        Session(name, name, repository, sandbox / name, name, ports={}, tmux=name, windows=(Window("c", claude=True),))
        for name in names
    ]
    for each in made:
        each.worktree.mkdir()
    registry.registry_path(repository).write_text(json.dumps({each.name: rows.session_row(each) for each in made}))
    return made


def put_rules(checkout: Path, **rules: list[str]) -> Path:
    """Write *checkout*'s settings.local.json with rules and another setting; return the file."""
    file = checkout / claude_rules.FILE
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"env": {"TOKEN": "é"}, "permissions": {**rules, "defaultMode": "plan"}}, indent=4))
    file.chmod(0o600)
    return file


def entry(place: Path) -> Any:
    """Return the entry of *place* in the sandbox's `.claude.json`; None without one."""
    return json.loads(Path("~/.claude.json").expanduser().read_text())["projects"].get(str(place))
