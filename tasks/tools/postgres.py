"""Databases of a Postgres server, through its own programs, which get passwords as variables."""

from __future__ import annotations

import hashlib
import shutil
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


def copy_as_template(server: Mapping[str, str], name: str, new: str, mark: str) -> bool:
    """Make the database *new* with what *name* has, and put *mark* on it, unless somebody is connected to *name*.

    Return whether it was made; else only a dump copies it.
    """
    try:
        _make_whole(server, name, new, mark, name)
    except CommandError as error:
        if "being accessed by other users" not in error.stderr:
            raise
        return False
    return True


def load_database(server: Mapping[str, str], through: str, new: str, mark: str, dump: Path) -> None:
    """Make the database *new* with what is in the file *dump*, and put *mark* on it."""
    _make_whole(server, through, new, mark, "template0", dump)


def _make_whole(
    server: Mapping[str, str], through: str, new: str, mark: str, template: str, dump: Path | None = None
) -> None:
    """Make *new* from *template* and *dump* under another name first: a kill leaves it whole, or not at all."""
    half = _half_made(new, mark)
    drop_half_made(server, through, new, mark)
    _query(server, through, f"CREATE DATABASE {_name(half)} TEMPLATE {_name(template)}", _LONG)
    if dump:
        loading = ("--no-owner", "--no-privileges", "--exit-on-error", "--dbname", half, str(dump))
        _run(server, half, _LONG, "pg_restore", *loading)
    put_mark(server, through, half, mark)
    _query(server, through, f"ALTER DATABASE {_name(half)} RENAME TO {_name(new)}", _PATIENCE)


def _half_made(new: str, mark: str) -> str:
    """Return the name of *new* while it is made for *mark*; only a later session of the same name has it, too."""
    whose = mark.rpartition(", ")[0]  # without the time: the next one drops what was left when the server went away
    return f"tally_sessions_{hashlib.sha256(f'{new} {whose}'.encode()).hexdigest()[:32]}"


def drop_half_made(server: Mapping[str, str], through: str, new: str, mark: str) -> None:
    """Drop what a kill may have left of the database *new*, which was made for *mark*."""
    _query(server, through, f"DROP DATABASE IF EXISTS {_name(_half_made(new, mark))}", _LONG)


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
