"""A small repository with the tasks, in which `inv` runs as it does for a person."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from develop.embedding import files
from tasks.config import presets
from testing import fork_server, guard
from testing import world as testing_world

CHECKOUT = Path(__file__).resolve().parent.parent
INV = str(Path(sys.executable).with_name("inv"))
EMBEDDING = files.NEW

# Replaces Django and Vite: answers on the port in its arguments and ignores the others. The tests start hundreds of
# them, and importing http.server, or socket, would be most of their cost.
_SERVER = """import os, sys
from _socket import AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
port = next(int(word) for word in sys.argv if word.isdigit())
server = socket(AF_INET, SOCK_STREAM)
server.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
server.bind(("127.0.0.1", port))
server.listen(64)
while True:
    line = socket(fileno=server._accept()[0])
    line.settimeout(10)
    try:
        request = line.recv(65536).decode().split()
        path = "." + request[1]
        body = " ".join(os.listdir(path)).encode() if os.path.isdir(path) else open(path, "rb").read()
        line.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
        print(*request[:2], 200, flush=True)
    except FileNotFoundError:
        line.sendall(b"HTTP/1.0 404 Not Found\\r\\n\\r\\n")
    except (OSError, IndexError):
        pass  # whoever asked only whether somebody listens
    finally:
        line.close()
"""


@dataclass(frozen=True)
class Result:
    """How `inv` ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Project:
    """The main checkout *main*, in its own sandbox."""

    main: Path

    @property
    def top(self) -> Path:
        """The directory that holds the main checkout and the worktrees."""
        return self.main.parent

    def inv(
        self,
        *arguments: str,
        code: int | None = 0,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        program: str = "",
    ) -> Result:
        """Run `inv` with *arguments* and check its exit *code* (None: any). A traceback always fails the test."""
        result = Result(*_run([program or INV, *arguments], cwd or self.main, env or {}))
        said = f"{' '.join(arguments)}\n{result.out}\n{result.err}"
        assert code in (result.code, None), said
        assert "Traceback" not in result.err, said
        return result

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git in the main checkout, or in *cwd*, and return what it prints."""
        argv = ["git", "-C", str(cwd or self.main), *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    def row(self, name: str) -> dict[str, Any]:
        """Return the registry's row of the session *name*."""
        found: dict[str, Any] = json.loads((self.main / ".tally-sessions").read_text())[name]
        return found

    def listed(self, name: str) -> dict[str, Any]:
        """Return the session *name* as `session.list --json` shows it."""
        found: list[dict[str, Any]] = self.inv("session.list", "--json").json
        return next(each for each in found if each["name"] == name)

    def worktree(self, slug: str) -> Path:
        """Return where the session with *slug* has its worktree."""
        return self.top / f"{self.main.name}-{slug}"

    def world(self) -> dict[str, object]:
        """Return a snapshot of everything that a session could change."""
        return testing_world.of(self.top, self.main)

    def configure(self, text: str) -> None:
        """Commit *text* as the project's invoke.yaml."""
        (self.main / "invoke.yaml").write_text(text)
        self.git("add", "invoke.yaml")
        self.git("commit", "--quiet", "-m", "configure")

    def unconfigure(self) -> None:
        """Use the preset's defaults, with an npm that starts the frontend."""
        self.git("rm", "--quiet", "invoke.yaml")
        self.git("commit", "--quiet", "--amend", "--no-edit")


def _run(argv: list[str], cwd: Path, env: dict[str, str]) -> tuple[int, str, str]:
    whole = {**os.environ, **env}
    if fork_server.suits(env) and (cwd / "tasks").resolve() == CHECKOUT / "tasks":
        guard.check_environment(whole)
        return fork_server.run(argv, cwd, whole)
    run = subprocess.run(
        [sys.executable, *argv], cwd=cwd, env=whole, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    return run.returncode, run.stdout, run.stderr


def eventually(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait until *true* returns something true; fail after *seconds*."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {true}"
        time.sleep(0.05)


def make(main: Path) -> Project:
    """Return a project shaped like Tally, with stand-in servers, at *main*."""
    project = Project(main)
    for place in ("backend", "frontend/node_modules/left-pad"):
        (main / place).mkdir(parents=True)
    (main / "backend" / "manage.py").write_text(_SERVER)
    (main / "frontend" / "package.json").write_text('{"name": "tally", "scripts": {"dev": "python server.py"}}\n')
    (main / "frontend" / "server.py").write_text(_SERVER)
    (main / "frontend" / "node_modules" / "left-pad" / "index.js").write_text("module.exports = 1\n")
    (main / ".gitignore").write_text(".env\n*.sqlite3\nnode_modules/\n__pycache__/\n")
    windows = json.dumps(presets.POINTS["windows"]).replace("npm run dev --", "python server.py")  # npm starts slowly
    (main / "invoke.yaml").write_text(f'{{"session": {{"windows": {windows}}}}}')
    (main / "tasks.py").write_text(EMBEDDING)
    (main / "tasks").symlink_to(CHECKOUT / "tasks")
    secrets = {"backend": "SECRET_KEY='a # \"b\" $c'\n", "frontend": "# kept\nexport VITE_TITLE='T'\nVITE_API_URL=x\n"}
    for place, text in secrets.items():
        (main / place / ".env").write_text(text)
        (main / place / ".env").chmod(0o600)
    with closing(sqlite3.connect(main / "backend" / "db.sqlite3")) as database:
        database.executescript("create table points (number integer); insert into points values (1)")
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(main)], check=True)
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "begin")
    return project
