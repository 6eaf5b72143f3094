"""The repository in which the benchmark runs, always the same, and the programs in its windows."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

SERVER = '''\
"""Answer HTTP on the last number among the arguments with the directory served from."""
import os
import socket
import sys

ports = [word.rpartition(":")[2] for word in sys.argv[1:]]
ports = [int(word) for word in ports if word.isdigit()]
print("ready", *sys.argv[1:], flush=True)
if ports:
    with socket.create_server(("127.0.0.1", ports[-1])) as server:
        while True:
            with server.accept()[0] as caller:
                caller.recv(4096)
                caller.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + os.getcwd().encode())
'''


CLAUDE = """\
#!/bin/sh
[ "$1" = --version ] && exec echo '2.1.329 (Claude Code)'
echo ready
exec cat >/dev/null
"""


BASHRC = """\
PATH={programs}:$PATH   # a login shell has just reset it
PS1='$ '
unset PROMPT_COMMAND HISTFILE
workon() {{ VIRTUAL_ENV=$1; }}
"""


GITCONFIG = """\
[user]
    name = Benchmark
    email = benchmark@example.invalid
[init]
    defaultBranch = main
[commit]
    gpgSign = false
[gc]
    auto = 0
"""


FOREIGN = ("GIT_", "TMUX", "CLAUDE", "INVOKE_", "XDG_", "VIRTUAL_ENV", "PYTHON")


def install_stubs(programs: Path, home: Path) -> None:
    """Write the programs, and the start-up files that put them on the PATH of a login shell."""
    programs.mkdir(parents=True)
    home.mkdir(parents=True)
    server = programs / "server.py"
    server.write_text(SERVER)
    python = f"#!/bin/sh\nexec '{sys.executable}' -S "
    _executable(programs / "python", f'{python}"$@"\n')
    _executable(programs / "npm", f"{python}'{server}' \"$@\"\n")
    _executable(programs / "claude", CLAUDE)
    (home / ".bashrc").write_text(BASHRC.format(programs=programs))
    (home / ".bash_profile").write_text(". ~/.bashrc\n")
    (home / ".gitconfig").write_text(GITCONFIG)


def stub_environment(directory: Path, programs: Path, home: Path) -> dict[str, str]:
    """Environment variables for children, without the developer's git, tmux, Claude Code and Invoke."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{programs}{os.pathsep}{kept['PATH']}",
        "SHELL": "/bin/bash",
        "TMUX_TMPDIR": str(directory / "tmux"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
    }


def _executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


TASKS = Path(__file__).resolve().parents[2] / "tasks"
SEED = 20251025
PACKAGES, FILES_IN_PACKAGE = 400, 50
CLAUDE_PROJECTS, CLAUDE_PROMPTS = 50, 16
WORDS = "amount author ballot branch column count points report result session tally total".split()
IGNORED = ".env\n*.sqlite3\nnode_modules\n__pycache__/\n.tally-sessions*\n.script-sessions*\n"
FRONT_DOOR = """\
import sys
del sys.modules[__name__]
from tasks import ns  # noqa
"""


@dataclass(frozen=True)
class Repository:
    """The *main* checkout, a *home*, and the *environment* of measured commands."""

    main: Path
    home: Path
    environment: dict[str, str]


def make_repository(directory: Path, files: int, database_mb: int, tasks: Path = TASKS) -> Repository:
    """Create the repository with `tasks` embedded, and a home directory."""
    random = Random(SEED)  # noqa: S311
    main, home, programs = directory / "tally", directory / "home", directory / "bin"
    environment = stub_environment(directory, programs, home)
    (directory / "tmux").mkdir(parents=True)
    install_stubs(programs, home)
    _tracked(main, files, random)
    _embed(main, tasks)
    _ignored(main, random)
    write_database(main / "backend/db.sqlite3", database_mb)
    write_file(home / ".claude.json", _claude_json(main, random))
    _commit(main, environment)
    return Repository(main, home, environment)


WRAPPED_BASHRC = """\
export WORKON_HOME={home}/.virtualenvs VIRTUALENVWRAPPER_PYTHON={python} VIRTUAL_ENV_DISABLE_PROMPT=1
. {wrapper}
"""


def with_virtualenvwrapper(repository: Repository) -> Repository | None:
    """Return *repository* with another home, whose shells have virtualenvwrapper; None where it isn't installed."""
    wrapper = Path(sys.executable).with_name("virtualenvwrapper.sh")
    if not wrapper.is_file():
        return None
    home, directory = repository.home.with_name("wrapped"), repository.home.parent
    shutil.copytree(repository.home, home, ignore=shutil.ignore_patterns("copy.sqlite3", "trivial", ".local"))
    (directory / "tmux-wrapped").mkdir()
    bashrc = (home / ".bashrc").read_text().replace("workon() { VIRTUAL_ENV=$1; }\n", "")
    places = {"home": home, "python": sys.executable, "wrapper": wrapper}
    (home / ".bashrc").write_text(bashrc + WRAPPED_BASHRC.format(**places))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / ".virtualenvs/tally"], check=True)
    changed = {
        "HOME": str(home), "TMUX_TMPDIR": str(directory / "tmux-wrapped"), "WORKON_HOME": f"{home}/.virtualenvs",
        "XDG_STATE_HOME": str(home / ".local" / "state"),
    }  # fmt: skip
    return Repository(repository.main, home, {**repository.environment, **changed})


def write_database(path: Path, megabytes: int) -> None:
    """Write a new SQLite database of about this size."""
    path.unlink(missing_ok=True)
    random = Random(SEED)  # noqa: S311
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table ballot (id integer primary key, points blob)")
        for _ in range(megabytes):
            rows = [(random.randbytes(3900),) for _ in range(256)]
            connection.executemany("insert into ballot (points) values (?)", rows)


def write_file(path: Path, text: str) -> None:
    """Write a file, and the directories that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _tracked(main: Path, files: int, random: Random) -> None:
    write_file(main / ".gitignore", IGNORED)
    write_file(main / "backend/manage.py", SERVER)
    write_file(main / "frontend/package.json", '{"name": "tally", "scripts": {"dev": "vite"}}\n')
    for number in range(files // 2):
        place = f"{number // 800:02}/{number // 32 % 25:02}/part{number:05}"
        write_file(main / f"backend/points/{place}.py", _prose(random, random.randrange(10, 45)))
        write_file(main / f"frontend/src/{place}.ts", _prose(random, random.randrange(10, 45)))


def _embed(main: Path, tasks: Path) -> None:
    shutil.copytree(tasks, main / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    write_file(main / "tasks.py", FRONT_DOOR)


def _ignored(main: Path, random: Random) -> None:
    write_file(main / "backend/.env", "SECRET_KEY=made-up\nDEBUG=true\n")
    write_file(main / "frontend/.env", "VITE_TITLE=Tally\nVITE_API_URL=http://localhost:8000\n")
    text = _prose(random, 8)
    for package in range(PACKAGES):
        for number in range(FILES_IN_PACKAGE):
            write_file(main / f"frontend/node_modules/package{package}/lib/{number}.js", text)


def _claude_json(main: Path, random: Random) -> str:
    """Return a `.claude.json` of fifty projects, about 180 kB, with an entry for the main checkout."""
    paths = [f"/somewhere/else/project{number}" for number in range(CLAUDE_PROJECTS - 1)]
    projects = {
        path: {
            "allowedTools": [f"Bash({random.choice(WORDS)}:*)" for _ in range(12)],
            "hasTrustDialogAccepted": True,
            "history": [{"display": _prose(random, 2)} for _ in range(CLAUDE_PROMPTS)],
        }
        for path in [*paths, str(main)]
    }
    return json.dumps({"numStartups": 41, "projects": projects}, indent=2)


def _prose(random: Random, lines: int) -> str:
    return "".join(f"# {' '.join(random.choices(WORDS, k=8))} {random.getrandbits(40):x}\n" for _ in range(lines))


def _commit(main: Path, environment: dict[str, str]) -> None:
    steps = ("init --quiet", "add --all", "commit --quiet -m Generated", "gc --quiet")
    for step in steps:
        subprocess.run(["git", *step.split()], cwd=main, env=environment, check=True)


MEMORY = Path("/dev/shm")  # noqa: S108
SPACE_NEEDED = 6 * 1024**3
ATTEMPTS = 20


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """Yield an empty directory, in memory if there is room. Its tmux server is ended with it."""
    directory = Path(tempfile.mkdtemp(prefix="tally-bench-", dir=_parent())).resolve()
    try:
        yield directory
    finally:
        _end_tmux(directory / "tmux")
        _end_tmux(directory / "tmux-wrapped")
        _delete(directory)


def _parent() -> Path | None:
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > SPACE_NEEDED
    return MEMORY if roomy else None


def _end_tmux(sockets: Path) -> None:
    """End the tmux server whose sockets are here. A missing directory would mean the developer's own server."""
    if not sockets.is_dir():
        return
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TMUX")}
    subprocess.run(
        ["tmux", "kill-server"],
        env={**kept, "TMUX_TMPDIR": str(sockets)},
        stderr=subprocess.DEVNULL,
        check=False,
    )


def _delete(directory: Path) -> None:
    """Delete the directory. Try again while ending programs still write there."""
    for _ in range(ATTEMPTS):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(0.1)
