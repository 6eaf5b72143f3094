"""Where a session's servers answer."""

import re
from collections.abc import Iterator

from .model import Session

_WEB = frozenset("api app backend frontend http https page server site ui web".split())  # in a key, as APP_PORT


def of(session: Session) -> list[tuple[str, str]]:
    """Return what each of its ports is for, and its address; without those whose window is left out."""
    missing = {window.run for window in session.windows if window not in session.present_windows}
    unused = {port for port in session.ports.values() for run in missing if str(port) in run.split()}
    served = {key: port for key, port in session.ports.items() if port not in unused}
    return [(re.sub("_port$", "", key), address(session, port)) for key, port in served.items()]


def address(session: Session, port: int, service: str = "") -> str:
    """Return where *port* answers: as a web address only if there is reason to think that it is one.

    A value of the session that has an address with it knows best, then that a window serves on it, then what it is
    called: its key, or the *service* that has it.
    """
    named = next((key for key, number in session.ports.items() if number == port), service)
    scheme = next(_schemes(session, port), "")
    web = any(str(port) in window.run.split() for window in session.windows)
    web = web or not _WEB.isdisjoint(re.split("[^a-z]+", named.lower()))
    place = f"localhost:{port}"
    return f"{scheme or 'http'}://{place}" if scheme in ("http", "https") or (web and not scheme) else place


def _schemes(session: Session, port: int) -> Iterator[str]:
    for values in (*session.env.values(), session.variables):
        for value in values.values():
            if found := re.search(rf"([a-z][a-z0-9+.-]*)://[^\s/]*:{port}(?!\d)", value):
                yield found[1]
