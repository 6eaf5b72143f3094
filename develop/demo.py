"""The newcomer's first minute: a real Django and Svelte project with two sessions running side by side."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from develop import sample
from develop.embedding import front_door

CHECKOUT = Path(__file__).resolve().parent.parent
CACHE = CHECKOUT / ".cache" / "sample"
USUAL = "~/tally-demo"
SESSIONS = ("feature-auth", "bugfix-ui")

_MARKER = ".made-by-inv-demo"
_PATIENCE = 120.0  # seconds for four servers to answer
_PACKAGES = {"git": "git", "tmux": "tmux", "node": "nodejs", "npm": "npm"}
_SETTINGS = """session:
  project: tally
  activate: source '{main}/.venv/bin/activate'
"""

Say = Callable[[str], None]


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""


def missing_tools() -> list[str]:
    """Return the package of every program that the demo needs and that is not on PATH."""
    return [package for program, package in _PACKAGES.items() if shutil.which(program) is None]


def make(directory: Path, say: Say) -> None:
    """Make the project in *directory*, add two sessions and wait until their four servers answer.

    Raises `DemoError` before anything is made when a program is missing or *directory* is somebody else's.
    """
    if missing := missing_tools():
        raise DemoError(f"missing: {', '.join(missing)}; install them, for example: apt install {' '.join(missing)}")
    if directory.exists() and any(directory.iterdir()):
        raise DemoError(
            f"{directory} is not empty; for another place: inv demo --path DIR; to remove a demo: inv demo --clean"
        )
    directory.mkdir(parents=True, exist_ok=True)
    (directory / _MARKER).touch()
    main = directory / "tally"
    try:
        embed(sample.build(main, CACHE, say))
    except sample.BuildError as error:
        raise DemoError(f"{error}\nto remove what was made: inv demo --clean --path {directory}") from None
    for name in SESSIONS:
        say(f"\n$ inv session.add {name}")
        inv(main, "session.add", name)
    say("\nWaiting for the four servers")
    wait(main, say)
    say("\n$ inv session.list")
    inv(main, "session.list")
    say(guide(main, directory))


def clean(directory: Path, say: Say) -> None:
    """Remove everything that `make` made; a directory that it did not make is refused."""
    main = directory / "tally"
    if not (directory / _MARKER).exists():
        raise DemoError(f"{directory} was not made by inv demo; nothing was removed")
    if (main / ".tally-sessions").exists():
        say("ending the sessions")
        inv(main, "session.remove", "--all", "--force", quiet=True)  # what it says of restoring is soon not true
    say(f"deleting {directory} and {CACHE}, which takes some seconds")
    running = [subprocess.Popen(["rm", "-rf", "--", place]) for place in (CACHE, directory)]  # both at once
    if sum(process.wait() != 0 for process in running):
        raise DemoError(f"not everything could be deleted; what is left: {directory}, {CACHE}")
    say(f"removed {directory} and {CACHE}")


def embed(main: Path) -> None:
    """Put the tasks into the project at *main*, as its owner would, and commit them."""
    shutil.copytree(CHECKOUT / "tasks", main / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    (main / "tasks.py").write_text(front_door.NEW)
    (main / "invoke.yaml").write_text(_SETTINGS)
    program = main / ".venv" / "bin" / "inv"
    if not program.exists():  # so that the tasks are at hand in its windows as well
        program.symlink_to(Path(sys.executable).with_name("inv"))
    identity = ("-c", "user.name=Tally Demo", "-c", "user.email=demo@example.invalid", "-c", "commit.gpgsign=false")
    for arguments in (("add", "--all"), (*identity, "commit", "--quiet", "--no-verify", "-m", "Embed the sessions")):
        sample.run(["git", *arguments], main)


def inv(main: Path, *arguments: str, quiet: bool = False) -> None:
    """Run `inv` in *main* with our own terminal, or without its answer."""
    program, out = Path(sys.executable).with_name("inv"), subprocess.DEVNULL if quiet else None
    if subprocess.run([program, *arguments], cwd=main, check=False, stdout=out).returncode:
        raise DemoError(f"inv {' '.join(arguments)} failed; to remove the demo: inv demo --clean --path {main.parent}")


def addresses(main: Path) -> dict[str, str]:
    """Return what answers where: each session's API and page."""
    rows = json.loads((main / ".tally-sessions").read_text())
    found = {}
    for name, row in rows.items():
        found[f"{name} backend"] = f"http://localhost:{row['backend_port']}/api/points/"
        found[f"{name} frontend"] = f"http://localhost:{row['frontend_port']}/"
    return found


def wait(main: Path, say: Say) -> None:
    """Wait until every server of every session answers over HTTP; raise `DemoError` naming those that do not."""
    waiting, started = addresses(main), time.monotonic()
    while waiting:
        for what, url in list(waiting.items()):
            if answers(url):
                say(f"  {what:<22} {url}  {time.monotonic() - started:.1f} s")
                del waiting[what]
        if time.monotonic() - started > _PATIENCE:
            silent = ", ".join(waiting)
            raise DemoError(f"no answer from {silent}; to see why: cd {main} && inv session.attach {SESSIONS[0]}")
        time.sleep(0.1)


def answers(url: str) -> bool:
    """Return whether *url*, on this machine, gives a page."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy would not know our ports
    try:
        with direct.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def guide(main: Path, directory: Path) -> str:
    """Return what to do next."""
    pages = "\n".join(f"  open      {url}" for what, url in addresses(main).items() if what.endswith("frontend"))
    programs, place = (shlex.quote(str(each)) for each in (Path(sys.executable).parent, main))
    path = "" if directory == Path(USUAL).expanduser().resolve() else f" --path {shlex.quote(str(directory))}"
    return f"""
Each session has its own page, database and branch:
{pages}
Next:
  begin     PATH={programs}:$PATH; cd {place}
  attach    inv session.attach {SESSIONS[0]}    (leave it with Ctrl-b d)
  reboot    tmux kill-server; inv session.resume    (ends everything in tmux, yours too)
  stop      inv session.stop --all
  delete    cd {shlex.quote(str(CHECKOUT))} && inv demo --clean{path}"""
