"""Whether Python imports a session's own code in its checks: tests of another checkout's prove nothing."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from ..errors import SessionError
from ..model import Session
from ..system import editable, session_command
from ..tools import git, worktrees

# Runs in the project's Python, whichever that is. It prints what would be imported from one of the checkouts in its
# arguments: of the directories on the path all that is in them, and what the finders of editable installs name.
_ASK = r"""
import importlib.machinery as machinery, importlib.util as util, json, os, sys
sys.path[:1] = [] if sys.path[:1] == [""] else sys.path[:1]
checkouts, prefix, names = sys.argv[1:], os.path.realpath(sys.prefix) + os.sep, set()
def inside(place):
    place = os.path.realpath(place) + os.sep
    return not place.startswith(prefix) and any(place.startswith(each + os.sep) for each in checkouts)
for path in filter(inside, sys.path):
    for entry in os.listdir(path) if os.path.isdir(path) else ():
        suffix = next((each for each in machinery.all_suffixes() if entry.endswith(each)), "")
        if suffix or os.path.isdir(os.path.join(path, entry)):
            names.add(entry[: -len(suffix)] if suffix else entry)
for module in [each for name, each in sys.modules.items() if name.startswith("__editable__")]:
    names.update(getattr(module, "MAPPING", ()))
for finder in sys.meta_path:
    for known in ("_redirections", "known_source_files", "_top_level_modules"):
        names.update(name.partition(".")[0] for name in getattr(finder, known, ()))
found = {}
for name in sorted(each for each in names if each.isidentifier()):
    try:
        spec = util.find_spec(name)
    except Exception:
        continue
    places = [spec.origin or "", *(spec.submodule_search_locations or ())] if spec else []
    place = next((each for each in places if os.path.exists(each)), "")
    if place and inside(place):
        found[name] = os.path.realpath(place)
print(json.dumps(found))
"""
_RUNNER = re.compile(r"((?:[A-Za-z_]\w*=\S+\s+)*(?:poetry|pipenv|pdm|rye|hatch|uv) run)\s")
_SHOWN = 3
_PATIENCE = 600.0  # seconds: `uv run` makes the environment first


def refuse_other_code(session: Session) -> None:
    """Raise `SessionError` if the verify commands of *session* would import its packages from another checkout."""
    runners = {found[1] if (found := _RUNNER.match(each)) else "" for each in session.verify}
    for runner in sorted(runners):
        if wrong := _imported_elsewhere(session, runner):
            shown = "; ".join(f"{name} from {place}" for name, place in sorted(wrong.items())[:_SHOWN])
            raise SessionError(
                f"Verify would test another checkout's code: {f'{runner} python' if runner else 'Python'} imports"
                f" {shown}.\nNothing was merged or pushed. Give the session an environment of its own with the setting"
                f" setup, or set PYTHONPATH in the setting variables.\nRun: inv session.doctor"
            )


def _imported_elsewhere(session: Session, runner: str) -> dict[str, str]:
    """Return the packages of the session's branch that Python, as *runner* starts it, imports from elsewhere."""
    repository = session.repository
    checkouts = worktrees.list_checkouts(repository)
    python = f"{runner} python" if runner else '"$(command -v python || command -v python3)"'
    words = [_ASK, *(str(each.resolve()) for each in checkouts)]
    answer = session_command.ask_in_session(session, f"{python} -c {shlex.join(words)}", _PATIENCE)
    try:
        imported = json.loads(answer.strip().splitlines()[-1])
    except (IndexError, ValueError):  # no Python, or none that says so: nothing is imported
        return {}
    elsewhere = {}
    for name, place in imported.items():
        inside = editable.place_in_checkout(Path(place), checkouts)
        if inside and inside[0].resolve() != session.worktree.resolve():
            elsewhere[name] = inside
    missing = [path for _checkout, path in elsewhere.values() if not (session.worktree / path).exists()]
    deleted = _deleted(session, missing) if missing else set()
    return {
        name: str(checkout / path)
        for name, (checkout, path) in elsewhere.items()
        if path not in missing or path in deleted
    }


def _deleted(session: Session, paths: Iterable[str]) -> set[str]:
    """Return those of *paths* that the branch of *session* deleted: others were never its own."""
    since = f"{session.base}...HEAD" if session.base else "HEAD"
    words = ("log", "--right-only", "--format=", "--name-only", "--no-renames", "--diff-filter=D", "-z", since, "--")
    return {each for each in git.read_git(session.worktree, *words, *paths, check=False).split("\0") if each}
