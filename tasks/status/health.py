"""Asking a server's page, in the background, until it answers without an error."""

from __future__ import annotations

import re
import socket
import threading
import time

_ONCE = 10.0  # seconds for one answer: the first one may compile
_INTERVAL = 0.2  # seconds until the second question
_SELDOM = 2.0  # seconds between two questions at the end: each one is a line in the server's log
_MOST = 1 << 16  # bytes before the status; more is not the answer of a web server
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[^\n]*\n")
_HEADERS_END = re.compile(rb"\r?\n\r?\n")


class Page(threading.Thread):
    """The page *path* of the server on *port*, asked until it answers well, at most for *seconds*."""

    def __init__(self, port: int, path: str, seconds: float) -> None:
        super().__init__(daemon=True)
        self.port, self.path, self.deadline = port, path, time.monotonic() + seconds
        self.fault = f"{path} has not answered yet"  # empty once it answered well
        self.start()

    def run(self) -> None:
        """Ask, again and again."""
        pause = _INTERVAL
        while self.fault and time.monotonic() < self.deadline:
            status = page_status(self.port, self.path, _ONCE)
            well = 200 <= status < 400
            self.fault = "" if well else f"{self.path} answers {status or f'nothing within {_ONCE:g} s'}"
            time.sleep(pause)
            pause = min(1.3 * pause, _SELDOM)


def page_status(port: int, path: str, seconds: float) -> int:
    """Return the status that *port* of this machine answers for *path*; 0 for none within *seconds*.

    What follows the status is not read: a page may never end.
    """
    deadline = time.monotonic() + seconds
    question = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/html,*/*\r\nConnection: close\r\n\r\n"
    said = b""
    try:
        with socket.create_connection(("localhost", port), seconds) as line:
            line.sendall(question.encode())
            while (left := deadline - time.monotonic()) > 0 and len(said) < _MOST:
                line.settimeout(left)
                if not (block := line.recv(4096)):
                    break
                said += block
                while match := _STATUS.match(said):
                    if match[1][:1] != b"1":
                        return int(match[1])
                    if not (end := _HEADERS_END.search(said)):
                        break
                    said = said[end.end() :]  # "100 Continue", after which the answer comes
    except OSError:
        pass
    return 0
