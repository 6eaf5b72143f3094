"""`inv demo`: a Django and Svelte project with two running sessions."""

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
from develop.embedding import files

CHECKOUT = Path(__file__).resolve().parent.parent
CACHE = CHECKOUT / ".cache" / "sample"
USUAL = "~/tally-demo"
SESSIONS = ("feature-auth", "bugfix-ui")

_MARKER = ".made-by-inv-demo"
_PATIENCE = 120.0  # seconds that the four servers may take to answer
_PACKAGES = {"git": "git", "tmux": "tmux", "node": "nodejs", "npm": "npm"}
_SETTINGS = """session:
  project: tally
  activate: source '{main}/.venv/bin/activate'
  host: "{slug}.localhost"
  env: {frontend/.env: {VITE_API_URL: "http://{host}:{backend_port}"}}
"""

Say = Callable[[str], None]


class DemoError(Exception):
    """The demo failed; the message says why and what to do."""


def missing_tools() -> list[str]:
    """Return the packages of the programs that the demo needs and that are missing."""
    return [package for program, package in _PACKAGES.items() if shutil.which(program) is None]


def make(directory: Path, say: Say) -> None:
    """Create the project in *directory*, add two sessions and wait for their four servers.

    Raises `DemoError` before it creates anything if a program is missing or *directory* is not empty.
    """
    if missing := missing_tools():
        raise DemoError(
            f"Missing programs: {', '.join(missing)}\nInstall them, for example: apt install {' '.join(missing)}"
        )
    if directory.exists() and any(directory.iterdir()):
        raise DemoError(
            f"{directory} is not empty. Use another directory, or remove a demo that is there.\n"
            "Run: inv demo --path DIR\nOr: inv demo --clean"
        )
    directory.mkdir(parents=True, exist_ok=True)
    (directory / _MARKER).touch()
    main = directory / "tally"
    try:
        embed(sample.build(main, CACHE, say))
    except sample.BuildError as error:
        raise DemoError(f"{error}\nRemove what was created. Run: inv demo --clean --path {directory}") from None
    for name in SESSIONS:
        say(f"\n$ inv session.add {name}")
        inv(main, "session.add", name)
    say("\nWaiting for the four servers")
    wait(main, say)
    say("\n$ inv session.list")
    inv(main, "session.list")
    say(guide(main, directory))


def clean(directory: Path, say: Say) -> None:
    """Delete everything that `make` created; refuse any other directory."""
    main = directory / "tally"
    if not (directory / _MARKER).exists():
        raise DemoError(
            f"{directory} was not created by inv demo. Nothing was deleted.\nGive its directory: --path DIR"
        )
    if (main / ".tally-sessions").exists():
        say("Ending the sessions")
        # quiet: its advice to restore them would be wrong in a moment
        inv(main, "session.remove", "--all", "--force", quiet=True)
    say(f"Deleting {directory} and {CACHE}, which takes some seconds")
    _delete(CACHE, directory)
    say(f"Deleted {directory} and {CACHE}.")


def _delete(*places: Path) -> None:
    """Delete *places*, both at once; again where a program that is still ending puts a file into one."""
    for wait in (0.5, 1, 2, 4, 0):
        argv = [["rm", "-rf", "--", str(place)] for place in places]
        running = [subprocess.Popen(each, stderr=subprocess.PIPE, text=True) for each in argv]
        said = [process.communicate()[1] for process in running]
        if not any(process.returncode for process in running):
            return
        time.sleep(wait)
    rest = " and ".join(map(str, filter(Path.exists, places)))
    raise DemoError(f"{''.join(said)}Couldn't delete everything in {rest}. Delete the rest by hand.")


def embed(main: Path) -> None:
    """Put the tasks into the project at *main*, as its owner would, and commit them."""
    shutil.copytree(CHECKOUT / "tasks", main / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    (main / "tasks.py").write_text(files.NEW)
    (main / "invoke.yaml").write_text(_SETTINGS)
    program = main / ".venv" / "bin" / "inv"
    if not program.exists():  # so that `inv` also works in the windows of its sessions
        program.symlink_to(Path(sys.executable).with_name("inv"))
    identity = ("-c", "user.name=Tally Demo", "-c", "user.email=demo@example.invalid", "-c", "commit.gpgsign=false")
    for arguments in (("add", "--all"), (*identity, "commit", "--quiet", "--no-verify", "-m", "Embed the sessions")):
        sample.run(["git", *arguments], main)


def inv(main: Path, *arguments: str, quiet: bool = False) -> None:
    """Run `inv` in *main*. It prints to our terminal unless *quiet*."""
    program, out = Path(sys.executable).with_name("inv"), subprocess.DEVNULL if quiet else None
    if subprocess.run([program, *arguments], cwd=main, check=False, stdout=out).returncode:
        raise DemoError(
            f"inv {' '.join(arguments)} failed.\nRemove the demo. Run: inv demo --clean --path {main.parent}"
        )


def addresses(main: Path) -> dict[str, str]:
    """Return the URLs of each session's API and page."""
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
            raise DemoError(
                f"No response from {silent} within {_PATIENCE:.0f} s.\n"
                f"See why. Run: cd {main} && inv session.attach {SESSIONS[0]}"
            )
        time.sleep(0.1)


def answers(url: str) -> bool:
    """Return whether *url*, on this machine, gives a page."""
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({})
    )  # a proxy could not reach ports of this machine
    try:
        with direct.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def guide(main: Path, directory: Path) -> str:
    """Return what to do next."""
    rows = json.loads((main / ".tally-sessions").read_text()).values()
    pages = "\n".join(f"  open      http://{row['host']}:{row['frontend_port']}/" for row in rows)
    logins = "\n".join(f"  log in    http://{row['host']}:{row['backend_port']}/admin/" for row in rows)
    programs, place = (shlex.quote(str(each)) for each in (Path(sys.executable).parent, main))
    path = "" if directory == Path(USUAL).expanduser().resolve() else f" --path {shlex.quote(str(directory))}"
    return f"""
Each session has its own page, database, branch and login (user and password: demo):
{pages}
{logins}
Next:
  go there  PATH={programs}:$PATH; cd {place}
  attach    inv session.attach {SESSIONS[0]}    (Ctrl-b d detaches)
  reboot    tmux kill-server; inv session.resume    (ends everything in tmux, also yours)
  stop      inv session.stop --all
  remove    cd {shlex.quote(str(CHECKOUT))} && inv demo --clean{path}"""
