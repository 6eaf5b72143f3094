"""Embed the sessions into copies of repositories, start one session in each, and print what came of it.

    python -m develop.embedding.trial [--install] DIRECTORY …

Each directory is a git repository. Nothing in it is changed: a clone of it, with HOME, tmux server and state of its
own, is in a temporary directory. With `--install` the packages are installed there, as `inv embed` says it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from develop import detection, embedding
from develop.detection import managers
from develop.detection.facts import Facts, collect_facts

_INSTALL, _CHECK, _ADD, _UP = 900, 180, 180, 60  # seconds
_BIN = Path(sys.executable).parent
# Variables that stay: who a person is to the terminal, and how the registries are reached from here.
_KEPT = re.compile(
    r"LANG|TERM|SHELL|(?i:https?_proxy|no_proxy)|SSL_CERT_\w+|NODE_EXTRA_CA_CERTS|(?i:npm_config_)\w+|(PIP|UV)_\w+"
)
_HEAD = ("repository", "files", "lines", "dependencies", "servers found", "up", "checks before", "checks after")


class Outcome(NamedTuple):
    """What came of one repository: a row of the table, and what a person should know of it."""

    row: tuple[str, ...]
    notes: tuple[str, ...]


class Place(NamedTuple):
    """The clone *top* of a repository, in surroundings of its own."""

    top: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables of all that runs here."""
        kept = {key: value for key, value in os.environ.items() if _KEPT.fullmatch(key)}
        return {
            **kept, "HOME": str(self.home), "PATH": f"{_BIN}:{os.environ['PATH']}", "TMUX_TMPDIR": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"), "NEXT_TELEMETRY_DISABLED": "1", "ASTRO_TELEMETRY_DISABLED": "1",
            "NO_COLOR": "1", "INVOKE_SESSION_WAIT": str(_UP), "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0",
            "POETRY_VIRTUALENVS_IN_PROJECT": "1",
        }  # fmt: skip

    def run(self, command: str, seconds: float) -> subprocess.CompletedProcess[str]:
        """Run *command* in the clone; what takes longer than *seconds* has failed."""
        argv = ["timeout", "--kill-after=10", str(seconds), "bash", "-c", command]
        return subprocess.run(
            argv, cwd=self.top, env=self.environment, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, errors="replace",
        )  # fmt: skip


def try_repository(source: Path, place: Path, install: bool) -> Outcome:
    """Embed the sessions into a clone of *source* in the directory *place*, and start a session of it."""
    here = _clone(source, place)
    facts = collect_facts(here.top)
    found, notes = detection.detect_facts(facts), []
    if install:
        notes += [f"failed: {each}" for each in _installs(facts, found) if here.run(each, _INSTALL).returncode]
    checks = list(own_checks(facts))
    before = [not here.run(each, _CHECK).returncode for each in checks]
    here.run("git checkout --quiet -- .", _CHECK)  # some of them change what they check
    sizes = _embed(here, notes)
    after = [not here.run(each, _CHECK).returncode for each in checks]
    compared = zip(checks, before, after, strict=True)
    notes += [f"{each}: passed before, fails now" for each, one, two in compared if one and not two]
    notes += _changed(here)
    up, said = _start(here, found)
    row = (
        source.name, str(len(sizes)), f"{sum(int(line.split()[0]) for line in sizes if line[0].isdigit()):,}",
        str(_dependencies()), ", ".join(each.what for each in found.servers) or "none",
        f"{up} of {len(found.servers)}", f"{sum(before)} of {len(checks)}", f"{sum(after)} of {len(checks)}",
    )  # fmt: skip
    return Outcome(row, (*notes, *said))


def _clone(source: Path, place: Path) -> Place:
    home = place / "home"
    home.mkdir(parents=True)
    path = f"{_BIN}:{os.environ['PATH']}"
    (home / ".bash_profile").write_text(f"export PATH={shlex.quote(path)}\n")
    (home / ".gitconfig").write_text("[user]\n\tname = Trial\n\temail = trial@example.invalid\n")
    # pnpm would fetch the version that a project pins.
    (home / ".npmrc").write_text("manage-package-manager-versions=false\n")
    subprocess.run(["git", "clone", "--quiet", str(source), str(place / source.name)], check=True)
    return Place(place / source.name, home)


def _embed(here: Place, notes: list[str]) -> list[str]:
    """Embed, make the commit that is printed, add to *notes* what it leaves, and return the sizes of its files."""
    loose = set(here.run("git status --porcelain", _CHECK).stdout.splitlines())
    said = embedding.embed(here.top, patch=True)
    steps = [line.strip() for line in said.splitlines()]
    commit = next((line for line in steps if line.startswith("git add ")), "git commit")
    records = next((line for line in steps if re.match(r"printf |(uv|poetry) add |pipenv install ", line)), "true")
    recorded = here.run(records.partition(" && pip install")[0], _INSTALL)  # `inv` here is that of this clone
    notes += [f"failed: {records}: {recorded.stderr.strip()[-200:]}"] if recorded.returncode else []
    done = here.run(f"{commit} --quiet", _CHECK)
    if done.returncode:  # by a hook of the repository's
        notes.append(f"the printed commit fails: {(done.stdout + done.stderr).strip()[-400:]}")
        here.run(f"{commit} --quiet --no-verify", _CHECK)
    left = here.run("git status --porcelain", _CHECK).stdout.splitlines()
    notes += [f"not in the printed commit: {line}" for line in left if line not in loose]
    return here.run("git diff --numstat HEAD~1 HEAD", _CHECK).stdout.splitlines()


def _dependencies() -> int:
    """Return how many packages the sessions need."""
    project = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"(?ms)^dependencies = \[(.*?)\]", project)
    return len(re.findall(r"\"[\w.-]+[^\"]*\"", listed[1])) if listed else 0


def _installs(facts: Facts, found: detection.Found) -> Iterator[str]:
    """Yield what `inv embed` says to run first."""
    for packages in found.packages:
        if not facts.has(packages.modules):
            yield packages.install
    for server in found.servers:
        environment = managers.python_environment(facts, server.directory) if server.is_python else None
        if environment and not environment.exists:
            yield environment.install


# A tool's configuration, in a file or as a table of pyproject.toml, and how the tool is asked.
_TOOLS = (
    (("ruff.toml", "tool.ruff"), ("ruff check .", "ruff format --check .")),
    (("tool.black",), ("black --check .",)),
    (("tool.isort", ".isort.cfg"), ("isort --check-only .",)),
    (("tool.mypy", "mypy.ini"), ("mypy .",)),
    ((".flake8",), ("flake8",)),
    ((".yamllint", ".yamllint.yaml"), ("yamllint .",)),
    (("tool.pytest", "pytest.ini"), ("pytest -q",)),
)


def own_checks(facts: Facts) -> Iterator[str]:
    """Yield the repository's own linters and tests, as far as its files name them."""
    project = facts.read("pyproject.toml")
    for names, commands in _TOOLS:
        if any(facts.has(name) or f"[{name}" in project for name in names):
            yield from (f"PATH=$PWD/.venv/bin:$PATH {command}" for command in commands)
    if facts.has("manage.py"):
        yield "PATH=$PWD/.venv/bin:$PATH python manage.py test"
    elif facts.has("tests.py"):
        yield "PATH=$PWD/.venv/bin:$PATH python -m unittest tests"
    scripts = facts.read_json("package.json").get("scripts")
    for name in ("lint", "format:check", "check", "typecheck", "type-check", "test", "test:unit"):
        text = str(scripts.get(name, "")) if isinstance(scripts, dict) else ""
        if text and not re.search(r"playwright|cypress|e2e|--watch\b", text):  # browsers can be missing
            yield f"CI=1 {managers.run_script(managers.node_packages(facts, '').manager, name, '')}"
    if facts.has("go.mod"):
        yield from ("go vet ./...", "go test ./...")


def _changed(here: Place) -> Iterator[str]:
    """Yield what the repository's own tools changed of the files that are embedded, and undo it."""
    changed = here.run("git diff --name-only", _CHECK).stdout.split()
    embedded = set(here.run("git diff --name-only HEAD~1 HEAD", _CHECK).stdout.split())
    yield from (f"{each}: rewritten by its own tools" for each in changed if each in embedded)
    here.run("git checkout --quiet -- .", _CHECK)


def _start(here: Place, found: detection.Found) -> tuple[int, list[str]]:
    """Return how many servers respond in a session, and what `add` printed if not all do."""
    without = []
    if found.containers.file and here.run("docker info", _CHECK).returncode:
        file = here.top / "invoke.yaml"
        file.write_text(re.sub(r"(?m)^  compose: .*", "  compose: {}", file.read_text()))
        without = ["without its containers: Docker doesn't run here"]
    try:
        added = here.run("inv session.add trial --wait --yes </dev/null", _ADD)
        listed = json.loads(here.run("inv session.list --json", _CHECK).stdout or "[]")
        ports = listed[0]["ports"] if listed else {}
        pages = {each: ask_page(ports.get(each.key, 0), each.health) for each in found.servers}
        up = sum(status > 0 and is_of(ports[each.key], here.top.parent) for each, status in pages.items())
        said = [] if up == len(pages) else [line for line in added.stderr.splitlines() if line.strip()][-12:]
        said += [f"{each.what} answers {each.health} with {code}" for each, code in pages.items() if code >= 400]
        return up, without + said
    finally:
        here.run("inv session.remove trial --force", _ADD)
        here.run("tmux kill-server", _CHECK)


def ask_page(port: int, path: str) -> int:
    """Return the status with which a page of the server on *port* comes within a minute; 0 without an answer."""
    end = time.monotonic() + _UP
    while port and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=_UP) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            if error.code != 503 or time.monotonic() > end - 1:  # it builds the page still
                return error.code
        except OSError:
            pass
        time.sleep(1)
    return 0


def is_of(port: int, place: Path) -> bool:
    """Return whether a program in the directory *place* listens on *port*: another one could have taken it."""
    import psutil

    listening = {each.pid for each in psutil.net_connections("tcp") if each.status == "LISTEN" and each.laddr
                 and each.laddr.port == port and each.pid}  # fmt: skip
    for pid in listening:
        try:
            if Path(psutil.Process(pid).cwd()).is_relative_to(place.resolve()):
                return True
        except (psutil.Error, OSError):
            continue
    return False


def main(words: Sequence[str]) -> int:
    """Try each repository that *words* name, and print the table."""
    from tabulate import tabulate

    sources = [Path(word).resolve() for word in words if not word.startswith("-")]
    if not sources:
        print(re.sub(r"\n(?=.)", "\n", __doc__ or ""))
        return 1
    outcomes = []
    for source in sources:
        with tempfile.TemporaryDirectory(prefix="trial-", ignore_cleanup_errors=True) as place:
            print(f"{source.name} …", file=sys.stderr, flush=True)
            outcomes.append(try_repository(source, Path(place), "--install" in words))
            print(outcomes[-1].row, *outcomes[-1].notes, sep="\n  ", file=sys.stderr, flush=True)
    print(tabulate([each.row for each in outcomes], headers=_HEAD, disable_numparse=True))
    for each in outcomes:
        print(*(f"{each.row[0]}: {note}" for note in each.notes), sep="\n") if each.notes else None
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
