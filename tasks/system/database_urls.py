"""Addresses of databases, as variables have them: a session's own differs in its port, or in its database's name."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

_URL = re.compile(
    r"(?P<scheme>[a-z][\w+]*)://(?P<user>[^/?@]*@)?(?P<host>\[[^]]*\]|[^/?:]*)(?P<port>:\d+)?(?P<path>/[^?#]*)?(?P<rest>.*)"
)
_LONGEST = 63  # characters of a name; Postgres cuts longer ones


class Connection(NamedTuple):
    """Where a Postgres database is, and the variables with which its programs reach it."""

    name: str
    variables: Mapping[str, str]


def read_addresses(file: Path) -> dict[str, str]:
    """Return the variables of *file* with what they name replaced; empty where there is none."""
    from dotenv import dotenv_values

    try:
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return {}
    return {key: value for key, value in dotenv_values(stream=io.StringIO(text)).items() if value}


def own_name(url: str, slug: str) -> str:
    """Return the name of the database that the session *slug* has in the place of that in *url*; empty without one."""
    match = _URL.fullmatch(url)
    name = unquote((match["path"] or "").strip("/")) if match else ""
    if not name or "/" in name:
        return ""
    whole = f"{name}_{slug.replace('-', '_')}"
    return whole if len(whole) <= _LONGEST else f"{whole[:55]}_{hashlib.sha256(whole.encode()).hexdigest()[:7]}"


def own_address(url: str, own: str) -> str:
    """Return *url* with the port, or else the database, that is called *own*; what it is no address of stays."""
    match = _URL.fullmatch(url)
    if not match:
        return url
    parts = {key: value or "" for key, value in match.groupdict().items()}
    parts |= {"port": f":{own}"} if own.isdigit() else {"path": f"/{quote(own)}"}
    return "{scheme}://{user}{host}{port}{path}{rest}".format(**parts)


def own_addresses(main: Path, present: Mapping[str, str], wishes: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of a session by variable, for a file that has those *present* in the place of *main*.

    They are on the servers that the main checkout's file names, where the session's databases are made.
    """
    addresses = {**present, **read_addresses(main)}
    return {key: own_address(addresses[key], wish) for key, wish in wishes.items() if addresses.get(key)}


def find_connection(url: str) -> Connection | None:
    """Return how the Postgres database of *url* is reached; None if it is of another kind."""
    if not re.match(r"postgres(ql)?(\+\w+)?://", url):
        return None
    try:
        parts = urlsplit(url)
        given, port = parse_qs(parts.query), parts.port
    except ValueError:
        return None
    host = given["host"][0] if given.get("host") else parts.hostname
    found = {
        "PGHOST": host, "PGPORT": str(port) if port else "", "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""), "PGSSLMODE": (given.get("sslmode") or [""])[0],
    }  # fmt: skip
    return Connection(unquote(parts.path.strip("/")), {key: value for key, value in found.items() if value})
