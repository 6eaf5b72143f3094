"""Who installs the packages of a directory: npm, pnpm, Yarn, Bun; uv, Poetry, Pipenv, pip-tools, conda, pip."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from develop.detection.facts import Facts, join, parent, parents
from develop.detection.values import Row
from tasks.system.files import LOCK_FILES

_INSTALL = {"npm": "npm ci", "pnpm": "pnpm install", "yarn": "yarn install", "bun": "bun install"}
_WITHOUT_LOCK = {**_INSTALL, "npm": "npm install"}
# How a script is run with arguments, and a program of node_modules.
_SCRIPT = {"npm": "npm run {0} -- {1}", "pnpm": "pnpm {2}{0} {1}", "yarn": "yarn {0} {1}", "bun": "bun run {0} {1}"}
_PROGRAM = {
    "npm": "npx --no-install {0}",
    "pnpm": "pnpm exec {0}",
    "yarn": "yarn run {0}",
    "bun": "bun x --no-install {0}",
}
_OWN_WORDS = {"start", "test", "dev"}  # of pnpm's scripts, those that need no `run`


class Packages(NamedTuple):
    """The *manager* of a `node_modules`, which is beside *lock* or the package.json in *directory*."""

    manager: str
    directory: str
    lock: str  # empty without one
    others: tuple[str, ...] = ()  # lock files of other managers beside it

    @property
    def modules(self) -> str:
        """The path of its node_modules."""
        return join(self.directory, "node_modules")

    @property
    def install(self) -> str:
        """The command that installs what the lock file says, from the top of the repository."""
        words = (_INSTALL if self.lock else _WITHOUT_LOCK)[self.manager]
        return f"cd {shlex.quote(self.directory)} && {words}" if self.directory else words


def node_packages(facts: Facts, directory: str) -> Packages:
    """Return who installs the packages of *directory*: in a workspace the one at its top."""
    for place in (directory, *parents(directory)):
        locks = [name for name in LOCK_FILES if facts.has(join(place, name))]
        if not locks or (place != directory and not _is_workspace(facts, place)):
            continue
        named = _named_manager(facts, place)
        fitting = [name for name in locks if LOCK_FILES[name] == named] or locks
        others = tuple(name for name in locks if LOCK_FILES[name] != LOCK_FILES[fitting[0]])
        return Packages(LOCK_FILES[fitting[0]], place, join(place, fitting[0]), others)
    above = [place for place in parents(directory) if _is_workspace(facts, place)]
    place = above[0] if above else directory
    return Packages(_named_manager(facts, place) or "npm", place, "")


def _named_manager(facts: Facts, place: str) -> str:
    named = str(facts.read_json(join(place, "package.json")).get("packageManager", "")).partition("@")[0]
    return named if named in _INSTALL else ""


def _is_workspace(facts: Facts, place: str) -> bool:
    if facts.has(join(place, "pnpm-workspace.yaml")):
        return True
    return bool(facts.read_json(join(place, "package.json")).get("workspaces"))


def run_script(manager: str, script: str, arguments: str) -> str:
    """Return the command that runs the *script* of a package.json with *arguments*."""
    word = "" if script in _OWN_WORDS else "run "
    form = _SCRIPT[manager] if arguments else _SCRIPT[manager].replace(" -- {1}", "").replace(" {1}", "")
    return form.format(script, arguments, word)


def run_program(manager: str, line: str) -> str:
    """Return the command that runs *line*, which begins with a program of node_modules."""
    return _PROGRAM[manager].format(line)


class Environment(NamedTuple):
    """Where Python's packages of a *directory* are: *activate* for windows, or *install* where there is none yet."""

    manager: str
    directory: str
    file: str
    exists: bool
    install: str
    activate: str = ""  # empty where the sessions find it themselves


_LOCKED = (
    ("uv.lock", "uv", "uv sync"),
    ("poetry.lock", "poetry", "poetry install"),
    ("Pipfile", "pipenv", "pipenv install --dev"),
)
_POETRY = re.compile(r"(?m)^\[tool\.poetry\b|^build-backend\s*=\s*[\"']poetry\.")


def python_environment(facts: Facts, directory: str) -> Environment | None:
    """Return the environment for the Python code in *directory*: of the closest file that says one; None without."""
    places = (directory, *parents(directory))
    locked = [
        place for place in places if any(facts.has(join(place, lock)) for lock in ("uv.lock", "poetry.lock", "Pipfile"))
    ]
    for place in (*locked, *places):  # a lock file above is a workspace's
        if found := _managed(facts, place):
            return found
    return None


def _managed(facts: Facts, place: str) -> Environment | None:
    manager, file, install = _python_manager(facts, place)
    local = next((name for name in (".venv", "venv") if facts.has(join(place, f"{name}/bin/activate"))), "")
    if not manager and not local:
        return None
    words = f"cd {shlex.quote(place)} && {install}" if place else install
    where = f"{{main}}/{place}" if place else "{main}"
    if local:
        activate = f"source '{where}/{local}/bin/activate'" if place else ""
        return Environment(manager or "venv", place, file or join(place, local), True, words, activate)
    asked = {"poetry": "poetry env info --path", "pipenv": "pipenv --venv"}.get(manager)
    if manager == "conda":
        return Environment(manager, place, file, False, words, f"conda activate {_conda_name(facts, file)}")
    if asked:  # outside of the repository: whether it exists is only known by asking
        activate = f"source \"$(cd '{where}' && {asked})/bin/activate\"" if place else ""
        return Environment(manager, place, file, False, words, activate)
    return Environment(manager, place, file, False, words)  # a window can't begin with what isn't there


def _python_manager(facts: Facts, place: str) -> tuple[str, str, str]:
    """Return the manager of the directory *place*, the file that shows it, and what installs."""
    project = join(place, "pyproject.toml")
    text = facts.read(project)
    for name, manager, install in _LOCKED:
        if facts.has(join(place, name)):
            return manager, join(place, name), install
    if _POETRY.search(text):
        return "poetry", project, "poetry install"
    for name in ("environment.yml", "environment.yaml"):
        if facts.has(join(place, name)):
            return "conda", join(place, name), f"conda env create --file {name}"
    make = "python3 -m venv .venv && .venv/bin/pip install"
    for name in ("requirements.txt", "requirements/development.txt", "requirements/dev.txt", "requirements/base.txt"):
        source = join(place, re.sub(r"\.txt$", ".in", name))
        if facts.has(source) and facts.has(join(place, name)):
            return "pip-tools", source, f"{make} -r {name}"
        if facts.has(join(place, name)):
            return "pip", join(place, name), f"{make} -r {name}"
    if "[tool.uv" in text:
        return "uv", project, "uv sync"
    return ("pip", project, f"{make} --editable .") if "[project]" in text else ("", "", "")


def _conda_name(facts: Facts, file: str) -> str:
    found = re.search(r"(?m)^name:\s*['\"]?([\w.-]+)", facts.read(file))
    return found[1] if found else parent(file) or "base"


def _make_environment(found: Environment) -> str:
    """Return what a person does without one; one below the top has to be in the configuration."""
    return f"run in the main checkout: {found.install}{', then embed again' if found.directory else ''}"


def package_rows(facts: Facts, packages: list[Packages], environments: list[Environment]) -> list[Row]:
    """Return what to say of those that install: which was chosen, and what has to be installed first."""
    rows: list[Row] = []
    for each in packages:
        where = each.lock or join(each.directory, "package.json")
        if each.others:
            chosen = (
                f"its lock file rather than {', '.join(each.others)}; for another delete the lock file that is not used"
            )
            rows.append(Row("choice", each.manager, where, chosen))
        if facts.has(each.modules):
            rows.append(Row("found", each.modules, where, f"{each.manager}: each session gets its own" if each.lock
                            else f"{each.manager}: shared, as there is no lock file"))  # fmt: skip
        else:
            rows.append(Row("missing", each.modules, where, f"run in the main checkout: {each.install}"))
    for found in environments:
        if found.exists:
            rows.append(
                Row("found", f"Python: {found.manager}", found.file, "its environment is activated in each window")
            )
        elif found.manager in ("poetry", "pipenv", "conda"):
            rows.append(
                Row("found", f"Python: {found.manager}", found.file, f"without an environment: {found.install}")
            )
        else:
            rows.append(Row("missing", "Python environment", found.file, _make_environment(found)))
    return rows
