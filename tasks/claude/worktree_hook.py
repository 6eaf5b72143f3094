"""Makes the worktrees that Claude Code asks for bare sessions, and removes them as sessions.

Claude Code runs this file by itself, with any Python: an event comes as JSON on stdin, the path goes to stdout.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

_TOP = Path(os.path.abspath(__file__)).parents[2]  # a link is not followed: it is the project that counts
_UNUSABLE = ("adding", "removing", "broken")
_NO_INV = "inv was not found. Start claude where inv works, for example with its environment activated."


def main() -> None:
    """Do what the event on stdin asks for; end with a message where it can't be done."""
    event = json.load(sys.stdin)
    if event["hook_event_name"] == "WorktreeCreate":
        print(create_worktree(event["name"], Path(event["cwd"])))
    elif event["hook_event_name"] == "WorktreeRemove":
        remove_worktree(Path(event["worktree_path"]))


def create_worktree(name: str, place: Path) -> str:
    """Return the worktree of the session *name*, which is added unless it exists.

    Where *place* is in a session's worktree, the new branch starts from that session's.
    """
    listed = _list_sessions()
    for each in listed:
        if each["name"] == name and each["status"] not in _UNUSABLE:
            return str(each["worktree"])
    around = [each["branch"] for each in listed if place.resolve().is_relative_to(each["worktree"])]
    base = [f"--base={around[0]}"] if around else []
    said = _run_inv("session.add", f"--name={_own_name(name)}", "--bare", "--json", *base)
    if not said.stdout.strip():
        sys.exit(said.returncode or 1)
    return str(json.loads(said.stdout)["worktree"])  # of one whose setup failed, too: it says so, and was kept


def _own_name(name: str) -> str:
    """Return *name*, or "" in a project that numbers its sessions: then the first free number is chosen."""
    if re.fullmatch("[0-9]{3}", name):
        return name
    said = _run_inv("session.config", "--json")
    return "" if said.returncode == 0 and json.loads(said.stdout)["numbered"]["value"] is True else name


def remove_worktree(path: Path) -> None:
    """Remove the session of the worktree *path*: what is not merged yet is saved. One that was started stays."""
    found = next((each for each in _list_sessions() if Path(each["worktree"]).resolve() == path.resolve()), None)
    if found is None:
        sys.exit(f"No session has the worktree {path}. Nothing was removed.\nRun: inv session.list")
    if not found["bare"]:
        sys.exit(f"{found['name']} was started, so it stays.\nRun: inv session.remove {found['name']}")
    said = _run_inv("session.remove", f"--name={found['name']}", "--force", "--keep-volumes")
    print(said.stdout, end="", file=sys.stderr)
    sys.exit(said.returncode)


def _list_sessions() -> list[dict[str, Any]]:
    said = _run_inv("session.list", "--json")
    if said.returncode:
        sys.exit(said.returncode)
    sessions: list[dict[str, Any]] = json.loads(said.stdout)
    return sessions


def _run_inv(*arguments: str) -> subprocess.CompletedProcess[str]:
    places = (os.environ.get("PATH", os.defpath), *(str(_TOP / each / "bin") for each in (".venv", "venv")))
    program = shutil.which("inv", path=os.pathsep.join(places))
    if program is None:
        sys.exit(_NO_INV)
    return subprocess.run([program, *arguments], cwd=_TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    main()
