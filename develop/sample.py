"""The Tally sample: a small Django and Svelte project for the demo and the integration tests."""

import fcntl
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "tests" / "sample"

# Templates, and files that a run inside SOURCES may have left.
LEFT_OUT = ("env", ".env", ".venv", ".vite", "node_modules", "dist", "db.sqlite3*", "__pycache__")

# Variables that would make the sample use the caller's repository, interpreter or Django.
FOREIGN = ("GIT_", "PYTHON", "DJANGO_", "VIRTUAL_ENV")


class BuildError(Exception):
    """The sample could not be built."""


def build(destination: Path, cache: Path, say: Callable[[str], None]) -> Path:
    """Return the main checkout of a working Tally project made at *destination*.

    It is a git repository with one commit, its dependencies installed, its database seeded and its
    two ``.env`` files written. *destination* must not exist, and is removed again on failure.

    Dependencies are installed once into *cache*, shared by every later build with the same
    requirements and Python. *say* is told about each long step before it starts.
    """
    destination, cache = destination.absolute(), cache.resolve()
    try:
        destination.mkdir(parents=True)
    except FileExistsError as error:
        raise BuildError(f"{destination} already exists") from error
    try:
        fill(destination, installed(cache, say), say)
    except BaseException:
        shutil.rmtree(destination, ignore_errors=True)
        raise
    return destination


def fill(project: Path, shelf: Path, say: Callable[[str], None]) -> None:
    """Fill the empty directory *project* with a Tally project that uses the dependencies in *shelf*."""
    shutil.copytree(SOURCES, project, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
    commit(project)
    configure(project)
    say("Linking the dependencies into the project")
    (project / ".venv").symlink_to(shelf / "venv")
    modules = Path("frontend", "node_modules")
    shutil.copytree(shelf / modules, project / modules, symlinks=True, copy_function=link_or_copy)
    say("Creating and seeding the database")
    for command in ("migrate", "seed"):
        run([".venv/bin/python", "backend/manage.py", command], project)


def installed(cache: Path, say: Callable[[str], None]) -> Path:
    """Return the directory of *cache* with the dependencies, installed if need be."""
    identity = hashlib.sha256(f"{sys.version}\n{sys.base_prefix}\n".encode())
    for name in ("requirements.txt", "frontend/package-lock.json"):
        identity.update((SOURCES / name).read_bytes())
    shelf = cache / identity.hexdigest()[:16]
    # A virtualenv only works where it was made, so the shelf is not renamed into place: a marker
    # written last says that it is complete, and where.
    marker = shelf / "complete"
    with locked(cache / f"{shelf.name}.lock"):
        if not marker.exists() or marker.read_text() != str(shelf):
            if shelf.exists():
                shutil.rmtree(shelf)
            install(shelf, say)
            marker.write_text(str(shelf))
    return shelf


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time into the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(shelf: Path, say: Callable[[str], None]) -> None:
    """Install the Python and the Node dependencies into the new directory *shelf*."""
    shelf.mkdir()
    say("Installing the Python requirements (only the first time)")
    run([sys.executable, "-m", "venv", "venv"], shelf)
    pip = ["venv/bin/python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run([*pip, "--requirement", SOURCES / "requirements.txt"], shelf)
    say("Installing the Node packages (only the first time)")
    frontend = shelf / "frontend"
    frontend.mkdir()
    for file in (SOURCES / "frontend").glob("package*.json"):
        shutil.copy(file, frontend)
    run(["npm", "ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund"], frontend)


def commit(project: Path) -> None:
    """Make *project* a repository with everything in it committed."""
    run(["git", "init", "--quiet", "--template=", "--initial-branch=main"], project)
    # Not with the developer's own hooks and signing key.
    options = ["-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false"]
    for key, default in (("user.name", "Tally Sample"), ("user.email", "tally@example.invalid")):
        value = run(["git", "config", "--default", default, "--get", key], project).strip()
        options += ["-c", f"{key}={value}"]
    run(["git", "add", "--all"], project)
    run(["git", *options, "commit", "--quiet", "--message", "Tally"], project)


def configure(project: Path) -> None:
    """Write the two files with this checkout's own settings, with a fresh secret key."""
    for part in ("backend", "frontend"):
        text = (SOURCES / "env" / f"{part}.env").read_text()
        file = project / part / ".env"
        file.touch(mode=0o600)
        file.write_text(text.replace("{secret_key}", secrets.token_urlsafe(50)))


def link_or_copy(source: str, target: str) -> None:
    """Link *target* to *source*, or copy it where links are impossible."""
    with suppress(OSError):  # another filesystem, or one without links
        # npm changes this file in place, which through a hard link would change the cache, too.
        if Path(source).name != ".package-lock.json":
            os.link(source, target)
            return
    shutil.copy2(source, target)


def run(arguments: Sequence[str | Path], directory: Path) -> str:
    """Return what the command wrote to its standard output."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
    name = " ".join(map(str, arguments))
    try:
        done = subprocess.run(
            arguments, cwd=directory, env=environment, errors="replace", stdin=subprocess.DEVNULL, capture_output=True
        )
    except OSError as error:
        raise BuildError(f"{name}: {error.strerror}") from error
    if done.returncode:
        tail = (done.stderr.strip() or done.stdout.strip()).splitlines()[-50:]  # npm prints a lot
        raise BuildError("\n".join([f"{name} failed with status {done.returncode}", *tail]))
    return done.stdout
