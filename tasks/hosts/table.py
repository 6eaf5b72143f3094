"""The sessions of every host, as one table or as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .. import terminal
from ..answers import display, listing
from ..errors import SessionError


def records(found: Mapping[str, dict[str, Any] | SessionError]) -> list[dict[str, Any]]:
    """Return each session with its host; a host that did not answer is one record with its error."""
    made: list[dict[str, Any]] = []
    for host, answer in found.items():
        if isinstance(answer, SessionError):
            made.append({"host": host, "error": str(answer)})
        else:
            made += [{"host": host, **session} for session in answer["listed"]]
    return made


def table(found: Mapping[str, dict[str, Any] | SessionError]) -> str:
    """Return the same for people; a host without sessions has a line as well."""
    rows: list[list[str]] = []
    for host, answer in found.items():
        if isinstance(answer, SessionError):
            reason = (
                str(answer).removeprefix(f"{host}: ").splitlines()[-1]
            )  # before it may stand what its shell or sshd greets with
            rows.append([host, "-", "", "", "no answer", reason, "", ""])
        elif not answer["listed"]:
            rows.append([host, "-", "", "", "no sessions", "", "", ""])
        else:
            rows += [_row(host, session) for session in answer["listed"]]
    titles = ["host", "name", "branch", "ports", "state", "git", "age", "claude"]
    return listing.fitted(titles, rows, terminal.room())


def _row(host: str, session: Mapping[str, Any]) -> list[str]:
    up = session.get("answering", [])
    ports = ", ".join(f"{port} {'up' if port in up else 'off'}" for port in session["ports"].values())
    parts = ["changed" if session["dirty"] else "clean"]
    parts += [f"{session[way]} {way}" for way in ("ahead", "behind") if session[way]]
    age = display.age(datetime.fromisoformat(session["created"])) if session["created"] else ""
    return [
        host, session["name"], session["branch"], ports, session["status"], ", ".join(parts), age, session["claude"],
    ]  # fmt: skip
