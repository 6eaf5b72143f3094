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

_INSTALL, _CHECK, _ADD, _UP = 900, 300, 180, 60  # seconds
_BIN = Path(sys.executable).parent
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
        kept = {key: os.environ[key] for key in ("LANG", "TERM", "SHELL") if key in os.environ}
        return {
            **kept, "HOME": str(self.home), "PATH": f"{_BIN}:{os.environ['PATH']}", "TMUX_TMPDIR": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"), "NEXT_TELEMETRY_DISABLED": "1", "ASTRO_TELEMETRY_DISABLED": "1",
            "NO_COLOR": "1", "INVOKE_SESSION_WAIT": str(_UP), "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0",
            "npm_config_manage_package_manager_versions": "false",  # pnpm would fetch the version that a project pins
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
    home = place / "home"
    home.mkdir(parents=True)
    path = f"{_BIN}:{os.environ['PATH']}"
    (home / ".bash_profile").write_text(f"export PATH={shlex.quote(path)}\n")
    (home / ".gitconfig").write_text("[user]\n\tname = Trial\n\temail = trial@example.invalid\n")
    here = Place(place / source.name, home)
    subprocess.run(["git", "clone", "--quiet", str(source), str(here.top)], check=True)
    facts = collect_facts(here.top)
    found, notes = detection.detect_facts(facts), []
    if install:
        notes += [f"failed: {each}" for each in _installs(facts, found) if here.run(each, _INSTALL).returncode]
    checks = list(own_checks(facts))
    before = [not here.run(each, _CHECK).returncode for each in checks]
    embedding.embed(here.top)
    here.run("git add --all && git commit --quiet --no-verify -m 'Embed the sessions'", _CHECK)
    sizes = here.run("git diff --numstat HEAD~1", _CHECK).stdout.splitlines()
    after = [not here.run(each, _CHECK).returncode for each in checks]
    notes += [
        f"{each}: passed before, fails now"
        for each, one, two in zip(checks, before, after, strict=True)
        if one and not two
    ]
    up, said = _start(here, found)
    row = (
        source.name, str(len(sizes)), f"{sum(int(line.split()[0]) for line in sizes if line[0].isdigit()):,}",
        str(_dependencies()), str(len(found.servers)), str(up), f"{sum(before)} of {len(checks)}",
        f"{sum(after)} of {len(checks)}",
    )  # fmt: skip
    return Outcome(row, (*notes, *said))


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


def own_checks(facts: Facts) -> Iterator[str]:
    """Yield the repository's own linters and tests, as far as its files name them."""
    project = facts.read("pyproject.toml")
    if "[tool.ruff" in project or facts.has("ruff.toml"):
        yield "ruff check ."
        yield "ruff format --check ."
    if "[tool.pytest" in project or facts.has("pytest.ini"):
        yield "if [ -d .venv ]; then .venv/bin/python -m pytest -q -x; else pytest -q -x; fi"
    if facts.has("manage.py") and facts.has("requirements.txt"):
        yield ".venv/bin/python manage.py check"
    scripts = facts.read_json("package.json").get("scripts")
    for name in ("lint", "format", "typecheck", "test"):
        if isinstance(scripts, dict) and name in scripts:
            yield f"CI=1 {managers.run_script(managers.node_packages(facts, '').manager, name, '')}"
    if facts.has("go.mod"):
        yield "go vet ./..."


def _start(here: Place, found: detection.Found) -> tuple[int, list[str]]:
    """Return how many servers respond in a session, and what `add` printed if not all do."""
    try:
        added = here.run("inv session.add trial --wait --yes </dev/null", _ADD)
        listed = json.loads(here.run("inv session.list --json", _CHECK).stdout or "[]")
        ports = listed[0]["ports"] if listed else {}
        up = sum(responds(ports.get(each.key, 0), each.health) for each in found.servers)
        said = [] if up == len(found.servers) else [line for line in added.stderr.splitlines() if line.strip()][-12:]
        return up, said
    finally:
        here.run("inv session.remove trial --force", _ADD)
        here.run("tmux kill-server", _CHECK)


def responds(port: int, path: str) -> bool:
    """Return whether a page of the server on *port* comes within a minute, and is no server error."""
    end = time.monotonic() + _UP
    while port and time.monotonic() < end:
        for page in dict.fromkeys((path, "/")):
            try:
                with urllib.request.urlopen(f"http://localhost:{port}{page}", timeout=_UP) as answer:
                    return bool(answer.status < 500)
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    return True
            except OSError:
                pass
        time.sleep(1)
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
