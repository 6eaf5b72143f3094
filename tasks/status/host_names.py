"""Servers that refuse the session's host name: they answer localhost, and with an error what a browser asks for."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

from .. import model
from ..model import Problem, Session
from ..tools import tmux

_PATIENCE = 3.0  # seconds for one answer
_REFUSALS = {
    400: "for Django: add '.localhost' to ALLOWED_HOSTS",
    403: "for Vite: set server.allowedHosts to ['.localhost']",
}


def host_problems(session: Session) -> Iterator[Problem]:
    """Yield the web servers of *session* that refuse its host name, and what to configure."""
    if not session.host:
        return
    for key, url in model.list_addresses(session, tmux.present_windows(session)):
        if not url.startswith("http://"):
            continue
        port = int(url.rpartition(":")[2])
        refusal = _status(port, f"{session.host}:{port}")
        if refusal in _REFUSALS and _status(port, f"localhost:{port}") != refusal:
            why = f"it answers {refusal} to that name, and takes localhost only"
            yield Problem(f"{key} refuses {url}", why, _REFUSALS[refusal])


def _status(port: int, host: str) -> int:
    """Return how the server on *port* answers when it is called *host*; 0 when it doesn't."""
    for address in ("127.0.0.1", "::1"):
        connection = http.client.HTTPConnection(address, port, timeout=_PATIENCE)
        try:
            connection.request("GET", "/", headers={"Host": host})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            continue
        finally:
            connection.close()
    return 0
