"""What the page of a session's server imports, and whether that is served: a page can be up and empty."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from ..model import Session

_SECONDS = 10.0  # for one answer: the first one compiles
_MOST = 40  # files that are asked for
_SCRIPT = re.compile(r"""<script\b[^>]*\bsrc\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
_INLINE = re.compile(r"<script\b[^>]*>(.*?)</script", re.IGNORECASE | re.DOTALL)
_IMPORT = re.compile(r"""(?:\bimport\s*\(?|\bfrom)\s*["']([./][^"']*)["']""")
_REFUSED = "outside of Vite serving allow list"


def page_faults(session: Session) -> Iterator[str]:
    """Yield, for each port of *session* with a web page, that something which that imports is refused, and the cure."""
    for port in session.ports.values():
        if address := _refused_import(port):
            yield (
                f"The page at http://localhost:{port}/ stays empty: Vite refuses {address} (403), which is outside of"
                f" server.fs.allow.\n{_cure(session)}"
            )


def _refused_import(port: int) -> str:
    """Return the first import of the page on *port* that Vite refuses; empty if it refuses none."""
    status, kind, text = _get(port, "/")
    if status != 200 or "html" not in kind:
        return ""
    addresses: list[str] = [
        *_SCRIPT.findall(text),
        *(each for script in _INLINE.findall(text) for each in _IMPORT.findall(script)),
    ]
    waiting, seen = [_local("/", each) for each in addresses], set[str]()
    while waiting and len(seen) < _MOST:
        path = waiting.pop(0)
        if not path or path in seen:
            continue
        seen.add(path)
        status, kind, text = _get(port, path)
        if status == 403 and _REFUSED in text:
            return path.partition("?")[0]
        if status == 200 and "javascript" in kind:
            waiting += [_local(path, each) for each in _IMPORT.findall(text)]
    return ""


def _local(page: str, address: str) -> str:
    """Return the path of *address*, as *page* names it; empty for another server's."""
    parts = urlsplit(urljoin(page, address))
    return "" if parts.netloc else parts.path + (f"?{parts.query}" if parts.query else "")


def _get(port: int, path: str) -> tuple[int, str, str]:
    """Return the status, the type and the text of what *port* answers; 0 for nothing that is HTTP."""
    connection = HTTPConnection("localhost", port, timeout=_SECONDS)
    try:
        connection.request("GET", path, headers={"Accept": "text/html,*/*"})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read(1 << 22).decode(errors="replace")
    except (OSError, HTTPException, ValueError):
        return 0, "", ""
    finally:
        connection.close()


def _cure(session: Session) -> str:
    for path in session.link:
        place = session.worktree / path
        if place.name == "node_modules" and place.is_symlink():
            places = f"['.', '{place.resolve()}']"
            return (
                f"Commit a lock file beside {path}, so that a session gets its own, or in {_configuration(place)} set"
                f" server: {{fs: {{allow: {places}}}}}."
            )
    return "In vite.config set server.fs.allow to the directory that it is in."


def _configuration(modules: Path) -> str:
    return next((file.name for file in sorted(modules.parent.glob("vite.config.*"))), "vite.config.js")
