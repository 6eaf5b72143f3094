"""A Postgres server of the test's own, which listens on a socket in a directory only."""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from testing.missing import find_program


class Server(NamedTuple):
    """The server whose socket is in *place*; its programs are in *programs*."""

    place: Path
    programs: Path

    def url(self, database: str) -> str:
        """Return the address of *database* as a project has it: with a password, and an option of Prisma's."""
        return f"postgresql+psycopg://app:s3cret@localhost:5432/{database}?schema=public&host={self.place}"

    def ask(self, database: str, statement: str) -> str:
        """Return what *statement* answers in *database*."""
        argv = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(self.place), "-U", "app", "-d", database]
        return subprocess.run([*argv, "-c", statement], capture_output=True, text=True, check=True).stdout.strip()

    @property
    def databases(self) -> set[str]:
        """The databases but the server's own."""
        listed = self.ask("template1", "SELECT datname FROM pg_database WHERE datname NOT LIKE 'template_'")
        return {*listed.split()} - {"postgres"}

    def stop(self) -> None:
        """Stop it."""
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-k {self.place} -c listen_addresses='' -c fsync=off"
        self._control("start", "-w", "-o", options, "-l", str(self.place / "log"))

    def _control(self, *words: str) -> None:
        run_as_server([str(self.programs / "pg_ctl"), "-D", str(self.place / "data"), *words])


def run_as_server(argv: list[str]) -> None:
    """Run *argv* as a user that Postgres accepts: not as root."""
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    bare = ["env", "-i", "PATH=/usr/bin:/bin:/usr/sbin"]  # with a test, all that has the sandbox's HOME is ended
    subprocess.run([*bare, *user, *argv], check=True, capture_output=True, cwd="/", stdin=subprocess.DEVNULL)


@contextmanager
def running_server() -> Iterator[Server]:
    """Yield a server with a user `app` that may make databases; skip the test where Postgres is not installed."""
    found = [*glob.glob("/usr/lib/postgresql/*/bin/initdb"), *filter(None, [shutil.which("initdb")])]
    if not found or not find_program("psql"):
        pytest.skip("not installed: postgres (apt install postgresql)")
    place = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(place, owner.pw_uid, owner.pw_gid)
    place.chmod(0o755)
    server = Server(place, Path(found[0]).parent)
    try:
        made = [found[0], "-D", str(place / "data"), "--auth=trust", "--username=app", "--no-sync", "--encoding=UTF8"]
        run_as_server(made)
        server.start()
        yield server
    finally:
        if (place / "data" / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(place, ignore_errors=True)
