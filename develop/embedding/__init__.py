"""Putting the sessions into another repository."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from develop.detection import table
from develop.embedding import (
    assistant,
    containers,
    dependencies,
    exclusions,
    files,
    layout,
    manual,
    package,
    places,
    session_config,
    ways,
)
from develop.embedding.layout import EmbedError
from tasks.errors import SessionError

__all__ = ["EmbedError", "embed"]


class Wish(NamedTuple):
    """What was asked for: *patch* adds to a person's files, *claude* gives hooks and a skill to Claude Code.

    With *force* a changed `tasks/` is replaced; *package*: the installed package, None for a copy of the modules.
    """

    preset: str = ""
    patch: bool = False
    claude: bool = False
    force: bool = False
    package: str | None = None


def embed(target: Path, preset: str = "", patch: bool = False, claude: bool = False, **more: Any) -> str:
    """Write `tasks/`, `tasks.py`, `invoke.yaml` and ignore entries into the repository *target*; return the next steps.

    Every refusal comes before any change. What a person wrote is never rewritten: with *patch* lines are added to
    their files. Running it again updates what it wrote when that is as the last run left it, or only reformatted, and
    returns the steps that remain. A `session.config.mjs` is run once, and written as the `session:` part, unless there
    is one. *more* is that of `Wish`.
    """
    wish = Wish(preset, patch, claude, **more)
    top = _top(target)
    if top / "tasks" == package.OURS:
        raise EmbedError(f"{top} is where the sessions come from. Give another repository.")
    file = layout.configuration_file(top)
    places.refuse_foreign(top, _written(top, file, wish.claude))
    found = layout.find_layout(top)
    settings, notes = _settings(top, found, wish.preset, file)
    page = manual.read_page(top)
    way = ways.choose_way(top, found.python, page, wish.package)
    if not wish.force:
        package.refuse_changed(way.copy)
    door = files.plan_front_door(top / "tasks.py", wish.patch, way.door)
    own_work = _own_work(top, found, door, file, way)
    excluded = exclusions.find_exclusions(top, way.packaged)
    places.refuse_foreign(top, [*(each.file for each in excluded), *(top / each for each in way.written)])
    results = [
        f"{table.format_rows(found.found.rows)}\n",
        *ways.put_code(way), files.write_front_door(door),
        layout.write_configuration(file, ways.with_schema(settings, way), found, wish.patch),
        *notes, containers.write_compose_file(top, file, found.found.containers), files.write_ignores(top, found),
        *ways.write_pages(way, page, file.name),
        *(assistant.give_to_claude(top, way.packaged) if wish.claude else []),
        *exclusions.offer_exclusions(excluded, wish.patch),
    ]  # fmt: skip
    left = [each for each in excluded if not (wish.patch and each.text)]
    own_work += [f"add the line above to {each.file.name}" for each in left]
    changed = [str(each.file.relative_to(top)) for each in excluded]
    steps = Steps(top, layout.choose_preset(found, wish.preset), file, own_work, wish.claude, way, changed)
    return "\n".join([*(line for line in results if line), "", *_next(steps, found)])


def _written(top: Path, file: Path, claude: bool) -> list[Path]:
    names = (".gitignore", "tasks.py", manual.PAGE, containers.FILE, *(assistant.FILES if claude else ()))
    return [file, *(top / name for name in names)]


class Steps(NamedTuple):
    """What the next steps depend on."""

    top: Path
    preset: str
    file: Path
    own_work: list[str]
    claude: bool
    way: ways.Way
    changed: list[str]


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
    heading = f"{layout.HEADING}\n# Converted from {name}, which the sessions do not read.\n{layout.UNFORMATTED}"
    return f"{heading}\n{session_config.session_text(settings)}", [f"Converted {name}.", *left_out]


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


def _own_work(top: Path, found: layout.Layout, door: files.Plan, file: Path, way: ways.Way) -> list[str]:
    """Return what a person has to edit or commit by hand; asked before the files are written."""
    ignored = ", ".join(layout.list_ignored(top, *way.paths, file.name))
    uncommitted = ", ".join(found.uncommitted)
    steps = {
        "add the lines above to the end of tasks.py": door.left,
        f"add the settings above to {file.name}": layout.lacks_session(file),
        f"remove the rule that ignores {ignored}: a session has only what is committed": ignored,
        f"commit {uncommitted}, too: a session has only what is committed": uncommitted,
    }
    return [step for step, needed in steps.items() if needed]


def _made(top: Path, found: layout.Layout) -> list[str]:
    return [each for each in [found.found.containers.file] if each == containers.FILE and (top / each).exists()]


def _next(steps: Steps, found: layout.Layout) -> list[str]:
    top, way = steps.top, steps.way
    theirs = (each for each in assistant.FILES if (top / each).exists())
    ours = [*way.paths, steps.file.name, ".gitignore", *_made(top, found), *(theirs if steps.claude else ())]
    ours = list(dict.fromkeys([*ours, *steps.changed]))
    was_committed = way.was_committed
    installs = not was_committed or bool(way.install)
    commits = bool(steps.own_work) or layout.has_changes(top, ours) or bool(way.install)
    added = [*ours, *(dependencies.changed_files(top, found.python) if installs else ())]
    pushes = steps.preset == "parallel" and found.remote and (commits or not layout.is_pushed(top))
    message = layout.commit_message(top, "update" if was_committed else "embed")
    again = "optional, with hooks and a skill for Claude Code: run inv embed again with --claude"
    try_it = f"{dependencies.inv_command(found.python, top)} session.add"
    needed_packages = dependencies.missing_requirements(top, found.python, dependencies.core_packages())
    following = {
        way.install or dependencies.install_command(top, found.python, needed_packages): installs,
        f"git add {shlex.join(added)} && git commit -m '{message}'": commits,
        "git push    (sessions start from what is on the remote)": pushes,
        again: not (was_committed or steps.claude),
        try_it + ("" if steps.preset == "dev-session" else " try-it"): not was_committed,
    }  # fmt: skip
    remaining = [*steps.own_work, *(step for step, needed in following.items() if needed)]
    return [f"Next, in {top}:", *(f"  {step}" for step in remaining)] if remaining else ["Nothing remains to be done."]
