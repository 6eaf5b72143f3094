"""`session.watch --web`: what a person reads of it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ..errors import SessionError, quote_text
from ..system import progress
from .command import answer

_LAST = 65535


def serve(web: bool, host: str, port: str, words: Sequence[str]) -> None:
    """Serve the dashboard that `inv` shows with these *words*, on *host* and *port*, until ^C."""
    if not web:
        raise SessionError("--host and --port go with --web.")
    if not (port.isascii() and port.isdigit() and int(port) <= _LAST):
        raise SessionError(f"--port must be a number from 1 to {_LAST}, not {quote_text(port)}.")
    if find_spec("textual_serve") is None:
        from . import packages

        command = packages.install_command(Path(__file__).absolute().parents[2], ["textual-serve"])
        raise SessionError(f"session.watch --web needs the package textual-serve.\nRun: {command}")
    from ..views.dashboard import web as views_web

    place = views_web.listen(host or "127.0.0.1", int(port))
    if not place.is_private:
        number = place.socket.getsockname()[1]
        progress.notice(
            f"Other machines can reach this. Whoever reads the address on the way there can control your sessions: it"
            f" isn't encrypted.\nOver SSH it is: leave --host out, and run on the other machine:"
            f" ssh -L {number}:127.0.0.1:{number} HOST"
        )
    answer(place.address)
    progress.say("Open it in a browser. Whoever has the address can control your sessions. Press ^C to end.")
    views_web.serve_dashboard(place, words)
