"""Databases of a Postgres server, through its own programs, which get passwords as variables."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import CommandError, SessionError
from ..system import shell

_PATIENCE = 20.0  # seconds for a question
_LONG = 900.0  # seconds for a copy


def find_mark(server: Mapping[str, str], database: str, name: str) -> str | None:
    """Return the comment on the database *name* of the *server*, asked through *database*; None without that."""
    asked = "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = "
    lines = _query(server, database, f"{asked}{_text(name)}", _PATIENCE).split("\n")
    return lines[0] if len(lines) > 1 else None


def copy_database(server: Mapping[str, str], name: str, new: str, mark: str) -> str:
    """Make the database *new* with what *name* has, and put *mark* on it; return how.

    As a template where nobody is connected to *name*; else by a dump.
    """
    try:
        _query(server, name, f"CREATE DATABASE {_name(new)} TEMPLATE {_name(name)}", _LONG)
        put_mark(server, name, new, mark)
        return "as its template"
    except CommandError as error:
        if "being accessed by other users" not in error.stderr:
            raise
    with tempfile.TemporaryDirectory() as scratch:
        dump = Path(scratch) / "dump"
        dump_database(server, name, dump)
        load_database(server, name, new, mark, dump)
    return "by a dump, as it is in use"


def load_database(server: Mapping[str, str], through: str, new: str, mark: str, dump: Path) -> None:
    """Make the database *new* with what is in the file *dump*."""
    _query(server, through, f"CREATE DATABASE {_name(new)} TEMPLATE template0", _LONG)
    put_mark(server, through, new, mark)
    _run(
        server, new, _LONG, "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--dbname", new, str(dump)
    )


def dump_database(server: Mapping[str, str], name: str, dump: Path) -> None:
    """Write what the database *name* has into the file *dump*."""
    _run(server, name, _LONG, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--file", str(dump))


def drop_database(server: Mapping[str, str], through: str, name: str) -> None:
    """Drop the database *name*, whoever is connected to it."""
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
    _query(server, through, f"{ended}{_text(name)}", _PATIENCE)
    _query(server, through, f"DROP DATABASE IF EXISTS {_name(name)}", _LONG)


def put_mark(server: Mapping[str, str], through: str, name: str, mark: str) -> None:
    """Put the comment *mark* on the database *name*."""
    _query(server, through, f"COMMENT ON DATABASE {_name(name)} IS {_text(mark)}", _PATIENCE)


def _query(server: Mapping[str, str], database: str, statement: str, seconds: float) -> str:
    return _run(server, database, seconds, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement)


def _run(server: Mapping[str, str], database: str, seconds: float, *argv: str) -> str:
    if shutil.which(argv[0]) is None:
        raise SessionError(
            f"{argv[0]} is not on PATH, so the session can't have its own Postgres database.\nInstall Postgres's"
            " programs (Debian: apt install postgresql-client), or share the database: `databases: {}`"
        )
    own = {key: value for key, value in shell.clean_environment().items() if not key.startswith("PG")}
    limit = {"PGCONNECT_TIMEOUT": "5", "PGDATABASE": database}
    return shell.run_bounded(seconds, *argv, env={**own, **server, **limit})


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
