"""Putting the sessions into another repository."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from develop.detection import table
from develop.embedding import assistant, containers, files, layout, session_config
from develop.embedding.layout import EmbedError
from tasks.errors import SessionError

__all__ = ["EmbedError", "embed"]


def embed(target: Path, preset: str = "", patch: bool = False, claude: bool = False) -> str:
    """Write `tasks/`, `tasks.py`, `invoke.yaml` and ignore entries into the repository *target*; return the next steps.

    Every refusal comes before any change. What a person wrote is never rewritten: with *patch* three lines are added
    to an existing `tasks.py`. Running it again updates `tasks/` when it is as the last run left it, and returns only
    the steps that remain. A `session.config.mjs` is run once, and written as the `session:` part, unless there is one.
    With *claude* Claude Code gets hooks and a skill.
    """
    top = _top(target)
    if top / "tasks" == files.OURS:
        raise EmbedError(f"{top} is where the sessions come from. Give another repository.")
    found = layout.find_layout(top)
    file = layout.configuration_file(top)
    settings, notes = _settings(top, found, preset, file)
    files.check_package(top / "tasks")
    door = files.plan_front_door(top / "tasks.py", patch)
    own_work = _own_work(top, found, door, file)
    results = [
        f"{table.format_rows(found.found.rows)}\n",
        files.put_package(top / "tasks"), files.write_front_door(door),
        layout.write_configuration(file, settings, found, patch),
        *notes, containers.write_compose_file(top, file, found.found.containers),
        files.write_ignores(top, found), *(assistant.give_to_claude(top) if claude else []),
    ]  # fmt: skip
    following = _next(top, found, layout.choose_preset(found, preset), file, own_work, claude)
    return "\n".join([*(line for line in results if line), "", *following])


def _settings(top: Path, found: layout.Layout, preset: str, file: Path) -> tuple[str, list[str]]:
    """Return the configuration, and a message about the file that it was converted from."""
    name = found.session_config
    if not name or preset or not (layout.lacks_session(file) or not file.exists()):
        return layout.configuration_text(found, preset), []
    try:
        settings, unknown = session_config.convert_session_config(top / name)
    except SessionError as error:
        raise EmbedError(str(error)) from None
    left_out = [f"Left out {', '.join(unknown)} of {name}: there is no such setting here."] if unknown else []
    text = f"# Converted from {name}, which the sessions do not read.\n{session_config.session_text(settings)}"
    return f"{layout.HEADING}\n{text}", [f"Converted {name}.", *left_out]


def _top(target: Path) -> Path:
    if not target.is_dir():
        raise EmbedError(f"{target} is not a directory. Give the main checkout of a git repository.")
    question = ["git", "-C", str(target), "rev-parse", "--show-toplevel"]
    answer = subprocess.run(question, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    if answer.returncode and "work tree" in answer.stderr:
        raise EmbedError(f"{target} has no working tree. Give the main checkout of a git repository.")
    if answer.returncode and "not a git repository" not in answer.stderr:  # as where it is another user's
        raise EmbedError(answer.stderr.strip())
    if answer.returncode:
        raise EmbedError(f"{target} is not in a git repository.\nRun: git init {shlex.quote(str(target))}")
    return Path(answer.stdout.strip())


def _own_work(top: Path, found: layout.Layout, door: files.Plan, file: Path) -> list[str]:
    """Return what a person has to edit or commit by hand; asked before the files are written."""
    ignored = ", ".join(files.list_ignored(top, "tasks", "tasks.py", file.name))
    uncommitted = ", ".join(found.uncommitted)
    steps = {
        "add the three lines above to the end of tasks.py": door.left,
        f"add the settings above to {file.name}": layout.lacks_session(file),
        f"remove the rule that ignores {ignored}: a session has only what is committed": ignored,
        f"commit {uncommitted}, too: a session has only what is committed": uncommitted,
    }
    return [step for step, needed in steps.items() if needed]


def _made(top: Path, found: layout.Layout) -> list[str]:
    return [each for each in [found.found.containers.file] if each == containers.FILE and (top / each).exists()]


def _next(
    top: Path, found: layout.Layout, preset: str, file: Path, own_work: list[str], claude: bool
) -> list[str]:  # fmt: skip
    theirs = (each for each in (assistant.SETTINGS, assistant.SKILL) if (top / each).exists())
    ours = ("tasks", "tasks.py", file.name, ".gitignore", *_made(top, found), *(theirs if claude else ()))
    was_committed = layout.is_tracked(top, "tasks/session.py")
    commits = bool(own_work) or layout.has_changes(top, ours)
    pushes = preset == "parallel" and found.remote and (commits or not layout.is_pushed(top))
    message = "Update the sessions" if was_committed else "Embed the sessions"
    steps = {
        layout.INSTALL[found.python]: not was_committed,
        f"git add {' '.join(ours)} && git commit -m '{message}'": commits,
        "git push    (sessions start from what is on the remote)": pushes,
        "optional, with hooks and a skill for Claude Code: run inv embed again with --claude":
            not (was_committed or claude),
        f"inv session.add{'' if preset == 'dev-session' else ' try-it'}": not was_committed,
    }  # fmt: skip
    remaining = [*own_work, *(step for step, needed in steps.items() if needed)]
    return [f"Next, in {top}:", *(f"  {step}" for step in remaining)] if remaining else ["Nothing remains to be done."]
