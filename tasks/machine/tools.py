"""What this machine lacks for sessions to work."""

from __future__ import annotations

import re
import shutil

from .. import shell
from ..errors import SessionError
from ..model import Problem, Session

_OLDEST = {"git": (2, 25), "tmux": (3, 2)}


def require_tmux() -> None:
    """Raise `SessionError` unless tmux is installed: before what would end half-way without it."""
    if shutil.which("tmux") is None:
        raise SessionError("tmux is not installed or not on PATH; install the package 'tmux'")


def problems(sessions: list[Session]) -> list[Problem]:
    """Return the missing and outdated programs, and a `workon` that the shells of *sessions* do not know."""
    found = []
    for program, oldest in _OLDEST.items():
        if shutil.which(program) is None:
            found.append(Problem(f"{program} is missing", "no session can be made", f"install the package {program}"))
        elif (version := _version(program)) < oldest:
            is_, needs = (".".join(map(str, each)) for each in (version, oldest))
            found.append(Problem(f"{program} {is_} is too old", f"{needs} is needed", f"update the package {program}"))
    for agent in {session.agent.command: session.agent for session in sessions if session.converses}.values():
        if shutil.which(agent.command) is None:
            mend = "npm install -g @anthropic-ai/claude-code" if agent.is_claude else f"install {agent.command}"
            found.append(Problem(f"{agent.command} is missing", "no conversation can be had", mend))
    if any(session.activate.startswith("workon ") for session in sessions) and not _knows_workon():
        mend = "source virtualenvwrapper.sh in ~/.bashrc or ~/.zshrc"
        found.append(Problem("workon is not found in a login shell", "the servers do not start", mend))
    return found


def _version(program: str) -> tuple[int, int]:
    said = shell.read(program, "-V" if program == "tmux" else "--version", check=False)
    numbers = re.search(r"(\d+)\.(\d+)", said)
    return (int(numbers[1]), int(numbers[2])) if numbers else (99, 0)  # a development build names no number


def _knows_workon() -> bool:
    program = shell.environment().get("SHELL", "/bin/bash")
    return "workon" in shell.read(program, "-lic", "type workon", env=shell.pristine_environment(), check=False)
