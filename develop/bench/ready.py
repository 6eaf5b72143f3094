"""Waiting until a session is usable: prompts in its windows, answers from its servers."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from invoke.exceptions import Exit

from develop.bench.repository import Repository

WINDOWS = 5
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.02
END_OF_PANE = "\x1eend of pane"


def wait_until_ready(repository: Repository, registry: str, name: str, label: str) -> None:
    """Return when the tmux session `label`, the row `name` of `registry`, is usable."""
    row = json.loads((repository.main / registry).read_text())[name]
    servers = [
        (row["backend_port"], Path(row["worktree"], "backend")),
        (row["frontend_port"], Path(row["worktree"], "frontend")),
    ]
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not (all(_answers(*server) for server in servers) and _prompts(repository, label)):
        if time.monotonic() > give_up:
            screens = "\n----\n".join(_screens(repository, label))
            raise Exit(f"{label} is not usable after {PATIENCE_SECONDS:.0f} s:\n{screens}", code=1)
        time.sleep(PAUSE_SECONDS)


def _answers(port: int, directory: Path) -> bool:
    """Return whether the session's own server answers; another one on the port names another directory."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as server:
            server.sendall(b"GET / HTTP/1.0\r\n\r\n")
            said = b"".join(iter(lambda: server.recv(4096), b""))
    except OSError:
        return False
    return said.endswith(str(directory).encode())


def _prompts(repository: Repository, label: str) -> bool:
    screens = _screens(repository, label)
    return len(screens) == WINDOWS and all(_usable(screen) for screen in screens)


def _usable(screen: str) -> bool:
    """Return whether the shell is at its prompt, or its program has printed that it is ready."""
    text = screen.strip()
    last = text.rpartition("\n")[2]
    wrapped = "$ " in text and text.endswith("&&")  # what was typed before the prompt came is longer than a line
    return wrapped or last.startswith(("$", "ready"))


def _screens(repository: Repository, label: str) -> list[str]:
    panes = _tmux(repository, ["list-panes", "-s", "-t", f"={label}:", "-F", "#{pane_id}"])
    words: list[str] = []
    for pane in panes.split():
        words += ["capture-pane", "-p", "-t", pane, ";", "display-message", "-p", END_OF_PANE, ";"]
    return _tmux(repository, words).split(END_OF_PANE)[:-1] if words else []


def _tmux(repository: Repository, words: Sequence[str]) -> str:
    done = subprocess.run(
        ["tmux", *words],
        env=repository.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout
