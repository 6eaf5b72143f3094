"""A real browser, without windows."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Browser:
    """Chromium, told what to do through its debugging pipe."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads, self._writes, self._count = os.fdopen(reads, "rb"), os.fdopen(writes, "wb"), 0

    def close(self) -> None:
        """Close the pipe."""
        self._reads.close()
        self._writes.close()

    def send(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Send the command and return its answer."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        message |= {"sessionId": session} if session else {}
        self._writes.write(json.dumps(message).encode() + b"\0")
        self._writes.flush()
        while True:
            text = bytearray()
            while (byte := self._reads.read(1)) not in (b"\0", b""):
                text += byte
            answer = json.loads(text)
            if answer.get("id") == self._count:
                return dict(answer.get("result", {}))

    def open(self, url: str) -> str:
        """Open a tab with *url* and return its id."""
        target = self.send("Target.createTarget", url=url)["targetId"]
        return str(self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])

    def ask(self, tab: str, script: str) -> Any:
        """Return what *script* comes to in *tab*."""
        return self.send("Runtime.evaluate", tab, expression=script).get("result", {}).get("value")

    def shows(self, tab: str, text: str) -> bool:
        """Return whether *tab* shows *text*."""
        return text in (self.ask(tab, "document.body ? document.body.innerText : ''") or "")


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """Yield Chromium without windows, with its *profile* there."""
    reads, theirs = os.pipe()
    mine, writes = os.pipe()
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --remote-debugging-pipe".split()
    line = f'exec chromium {" ".join(flags)} --user-data-dir="$1" 3<&{mine} 4>&{theirs} {mine}<&- {theirs}>&-'
    process = subprocess.Popen(
        ["bash", "-c", line, "bash", str(profile)], pass_fds=(mine, theirs), stderr=subprocess.DEVNULL
    )
    os.close(mine)
    os.close(theirs)
    browser = Browser(reads, writes)
    try:
        yield browser
    finally:
        browser.close()
        process.terminate()
        process.wait(30)
