"""The dashboard in a browser: each tab is a dashboard of its own, for whoever knows the address with its token.

The token is a part of every path. A cookie would also go to the servers of the sessions, which are on other ports of
the same host, and any page could use it.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import shlex
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from ...errors import SessionError

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler, Middleware

_PATIENCE = 3.0  # seconds that the dashboards have to end
_POLICY = (
    "default-src 'none'", "script-src 'self' 'unsafe-inline'", "style-src 'self' 'unsafe-inline'", "font-src 'self'",
    "img-src 'self' data:", "connect-src 'self' ws:", "base-uri 'none'", "frame-ancestors 'none'",
)  # fmt: skip
# Keys work at once, without a click into the page.
_FOCUS = """<script>
const look = setInterval(() => {
  const field = document.querySelector("textarea");
  if (field) { field.focus(); clearInterval(look); }
}, 50);
</script>"""
_HEADERS = {
    "Content-Security-Policy": "; ".join(_POLICY), "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}  # fmt: skip


class Place(NamedTuple):
    """Where to listen: a *socket* of ours, and the *address* with its *token* for the person."""

    socket: socket.socket
    token: str
    address: str
    is_private: bool  # whether only this machine can reach it


def listen(host: str, port: int) -> Place:
    """Listen on *port* of *host*, 0 for any that is free; raises `SessionError` where that can't be done."""
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        server = socket.create_server(where[:2], family=family)
    except (OSError, ValueError) as error:  # also a name that can't be one
        told = error.strerror if isinstance(error, OSError) else "not the name of a host"
        reason = str(told).partition(" (while")[0]  # where Python adds what it tried
        raise SessionError(f"Couldn't listen on port {port} of {host}: {reason}.\nGive another --port.") from None
    ip, number = ipaddress.ip_address(server.getsockname()[0]), server.getsockname()[1]
    name = socket.gethostname() if ip.is_unspecified else f"[{ip}]" if ip.version == 6 else str(ip)
    token = secrets.token_urlsafe(24)
    return Place(server, token, f"http://{name}:{number}/{token}/", ip.is_loopback)


def serve_dashboard(place: Place, words: Sequence[str]) -> None:
    """Serve the dashboard that `inv` shows with these *words* at *place*, until ^C."""
    from aiohttp import web

    command = shlex.join([sys.executable, sys.argv[0], *words])
    web.run_app(
        _make_app(place.token, command), sock=place.socket, print=None, access_log=None, shutdown_timeout=_PATIENCE
    )


def _make_app(token: str, command: str) -> web.Application:
    """Return the server's app, of which every path begins with *token*."""
    import aiohttp_jinja2
    import jinja2
    from aiohttp import web
    from textual_serve.server import Server

    server, inner = Server(command, title="Sessions"), web.Application()

    async def show_page(request: web.Request) -> web.Response:
        context = {
            "font_size": 16, "app_websocket_url": f"ws://{request.host}/{token}/ws",
            "config": {"static": {"url": f"/{token}/static/"}}, "application": {"name": "Sessions"},
        }  # fmt: skip
        page = aiohttp_jinja2.render_string("app_index.html", request, context)
        return web.Response(text=_own_page(page), content_type="text/html")

    aiohttp_jinja2.setup(inner, loader=jinja2.FileSystemLoader(server.templates_path))
    inner.router.add_get("/", show_page)
    inner.router.add_get("/ws", server.handle_websocket)
    inner.router.add_static("/static", server.statics_path)
    app = web.Application(middlewares=[web.middleware(_guard(token))])
    app.on_response_prepare.append(_add_headers)
    app.add_subapp(f"/{token}", inner)
    return app


def _own_page(page: str) -> str:
    """Return *page* without what it loads from elsewhere; its keys work at once."""
    page = re.sub(r'<link[^>]*href="https?://[^>]*>', '<link rel="icon" href="data:,">', page)
    return page.replace("</body>", f"{_FOCUS}</body>")


def _guard(token: str) -> Middleware:
    """Return what refuses every request without *token*, and those that a page of another server makes."""

    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        from aiohttp import web

        given = request.path.split("/")[1]
        if not secrets.compare_digest(given.encode(), token.encode()):
            raise web.HTTPNotFound(text="Not found. Use the address that inv session.watch --web printed.")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="Another page may not use this one.")
        return await handler(request)

    return guard


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
