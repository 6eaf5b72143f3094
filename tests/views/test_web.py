"""The dashboard in a browser: in a real one, and nobody gets at it without the token."""

import asyncio
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest

from testing import browsers, missing
from testing.project import INV, Project, eventually

# What the page receives is kept as text: it is drawn on a canvas.
_KEEP = """window.received = ''; window.socket = WebSocket; WebSocket = class extends window.socket {
  constructor(...words) { super(...words); this.addEventListener('message', async event => {
    const data = event.data; window.received += data instanceof Blob ? await data.text() :
      typeof data === 'string' ? data : new TextDecoder().decode(data); }); } };"""
_COLOURS = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


class Served(NamedTuple):
    """A dashboard that is served: its process, what that printed, and its address."""

    process: subprocess.Popen[bytes]
    output: Path
    address: str

    @property
    def token(self) -> str:
        """The token in the address."""
        return urlsplit(self.address).path.strip("/")


@pytest.fixture
def served(project: Project, sandbox: Path) -> Iterator[Served]:
    """Return the dashboard of a project with the sessions `one` and `two`."""
    project.configure("session: {windows: [{name: shell}]}\n")
    for name in ("one", "two"):
        project.inv("session.add", name)
    output = sandbox / "out"
    with output.open("w") as out:
        process = subprocess.Popen(
            [INV, "session.watch", "--web"], cwd=project.main, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
    eventually(lambda: "Press ^C" in output.read_text() or process.poll() is not None)
    (address,) = re.findall(r"^http://127\.0\.0\.1:\d+/[\w-]{32}/$", output.read_text(), re.MULTILINE)
    yield Served(process, output, address)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0, output.read_text()
    assert output.read_text().count("\n") == 2  # no word of the server's, and no traceback


def _received(browser: browsers.Browser, tab: str) -> str:
    return _COLOURS.sub("", browser.ask(tab, "window.received") or "")


def _press(browser: browsers.Browser, tab: str, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        browser.send("Input.dispatchKeyEvent", tab, type=kind, key=key, text=key if kind == "keyDown" else "")


def test_a_real_browser_shows_the_list_and_its_keys_work(served: Served, project: Project, sandbox: Path) -> None:
    missing.require("chromium")
    with browsers.open_browser(sandbox / "profile") as browser:
        tab = browser.open("about:blank")
        browser.send("Page.enable", tab)
        browser.send("Page.addScriptToEvaluateOnNewDocument", tab, source=_KEEP)
        browser.send("Page.navigate", tab, url=served.address)
        eventually(lambda: all(name in _received(browser, tab) for name in ("one", "two", "sorted by attention")))
        _press(browser, tab, "?")
        eventually(lambda: "restore a removed session" in _received(browser, tab))
        _press(browser, tab, "q")  # closes it
        eventually(lambda: project.listed("one")["status"] == "running")
        for key in ("s", "j", "x"):  # by name, the second, stop
            _press(browser, tab, key)
        eventually(lambda: project.listed("two")["status"] == "stopped")
        assert project.listed("one")["status"] == "running"

        loaded = browser.ask(tab, "performance.getEntriesByType('resource').map(each => each.name).join('\\n')")
        assert len(loaded.splitlines()) >= 2
        assert [each for each in loaded.splitlines() if not each.startswith(served.address)] == []
        assert psutil.Process(served.process.pid).children()
    eventually(lambda: not psutil.Process(served.process.pid).children())  # with the tab its dashboard ends


async def _answers(served: Served) -> dict[str, Any]:
    """Return the status of every path as whoever asks it, and what the websocket says."""
    host, token = urlsplit(served.address).netloc, served.token
    paths = ("", "ws", "static/js/textual.js", "static/", f"x{token}/ws", f"{token[:-1]}/ws", f"/{token}x/", "%2e/ws",
             f"static/..%2f{token}", f"?token={token}", f"ws?{token}")  # fmt: skip
    found: dict[str, Any] = {}
    async with aiohttp.ClientSession() as client:

        async def ask(path: str, **headers: str) -> int:
            async with client.get(f"http://{host}/{path}", headers=headers) as answer:
                found["headers"] = dict(answer.headers)
                return answer.status

        async def connect(path: str, origin: str) -> int:
            try:
                async with client.ws_connect(f"ws://{host}/{path}", origin=origin):
                    return 101
            except aiohttp.WSServerHandshakeError as error:
                return error.status

        found["without"] = {await ask(path) for path in paths}
        found["sockets"] = [await connect(path, f"http://{host}") for path in ("ws", f"{token[:-1]}x/ws")]
        found["another page"] = await connect(f"{token}/ws", "http://localhost:8000")
        found["another page's form"] = await ask(f"{token}/", Origin="http://127.0.0.1:1")
        found["outside of it"] = await ask(f"{token}/static/..%2f..%2fserver.py")
        found["with"] = [await ask(f"{token}/"), await ask(f"{token}/static/js/textual.js")]
        found["socket"] = await connect(f"{token}/ws", f"http://{host}")
    return found


def test_every_path_and_the_websocket_need_the_token_and_no_other_page_gets_in(served: Served) -> None:
    found = asyncio.run(_answers(served))

    assert found["without"] == {404}
    assert found["sockets"] == [404, 404]
    assert (found["another page"], found["another page's form"]) == (403, 403)
    assert found["outside of it"] in (403, 404)
    assert (found["with"], found["socket"]) == ([200, 200], 101)
    assert "Set-Cookie" not in found["headers"]
    assert found["headers"]["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in found["headers"]["Content-Security-Policy"]
    listening = {
        each.laddr.ip for each in psutil.Process(served.process.pid).net_connections() if each.status == "LISTEN"
    }
    assert listening == {"127.0.0.1"}


def test_another_address_is_warned_of_and_what_cannot_be_is_said(project: Project, sandbox: Path) -> None:
    output = sandbox / "out"
    with output.open("w") as out:
        process = subprocess.Popen(
            [INV, "session.watch", "--web", "--host", "0.0.0.0"],
            cwd=project.main,
            stdout=out,
            stderr=out,
        )
    eventually(lambda: "Press ^C" in output.read_text())
    port = re.findall(r"^http://[^:]+:(\d+)/", output.read_text(), re.MULTILINE)[0]
    assert "Other machines can reach this." in output.read_text()
    assert f"ssh -L {port}:127.0.0.1:{port} HOST" in output.read_text()
    taken = project.inv("session.watch", "--web", "--port", port, code=1).err
    process.send_signal(signal.SIGINT)
    process.wait(60)

    assert taken == f"Couldn't listen on port {port} of 127.0.0.1: Address already in use.\nGive another --port.\n"
    for words, message in (
        (("--host", "127.0.0.1"), "--host and --port go with --web."),
        (("--web", "--port", "70000"), '--port must be a number from 1 to 65535, not "70000".'),
        (("--web", "--host", "no.such.invalid"), "Couldn't listen on port 0 of no.such.invalid: "),
        (("--web", "--host", "a..b"), "Couldn't listen on port 0 of a..b: not the name of a host."),
    ):
        assert project.inv("session.watch", *words, code=1).err.startswith(message)
