"""Six conversations of the real Claude Code at once, and what the end of tmux leaves of them."""

import ctypes
import json
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

from testing import claude_api
from testing.project import INV, Project, eventually
from testing.real_claude import becomes, open_conversations
from testing.terminal import screen, tmux, windows

_NAMES = [f"s{number}" for number in range(6)]
_RULES = ["Bash(ls:*)", "Read"]
_IN_PLACE = 0x2 | 0x40 | 0x100 | 0x200  # of inotify(7): modified, moved away, created, deleted


class _Watch(threading.Thread):
    """Sees all that happens to a file: *torn* is what was ever not whole, *versions* how often it was replaced."""

    def __init__(self, file: Path) -> None:
        super().__init__(daemon=True)
        self.file, self.versions, self.torn, self.over = file, 0, list[str](), threading.Event()
        self.events = -1
        if sys.platform == "linux":  # elsewhere the content alone is looked at
            libc = ctypes.CDLL(None)
            self.events = libc.inotify_init1(os.O_NONBLOCK)
            assert libc.inotify_add_watch(self.events, os.fsencode(file.parent), _IN_PLACE) >= 0

    def run(self) -> None:
        seen: object = None
        while not self.over.wait(0.001):
            self._read_events()
            try:
                status = self.file.stat()
                if (now := (status.st_ino, status.st_mtime_ns, status.st_size)) == seen:
                    continue
                seen, self.versions = now, self.versions + 1
                text = self.file.read_text()
                json.loads(text)["projects"]
            except (OSError, ValueError, KeyError) as error:
                self.torn.append(repr(error))

    def _read_events(self) -> None:
        try:
            said = os.read(self.events, 65536) if self.events >= 0 else b""
        except BlockingIOError:
            return
        while said:
            _watch, mask, _cookie, length = struct.unpack_from("iIII", said)
            name, said = said[16 : 16 + length].rstrip(b"\0").decode(), said[16 + length :]
            if name == self.file.name:
                self.torn.append(f"changed in place: {mask:#x}")

    def __enter__(self) -> "_Watch":
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.over.set()
        self.join()
        if self.events >= 0:
            os.close(self.events)


def _begin_all(project: Project) -> None:
    """Add all of the sessions at the same time, each with a prompt of its own."""
    adding = [
        subprocess.Popen(
            [INV, "session.add", name, "--prompt", f"DO say I am {name}"], cwd=project.main, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for name in _NAMES
    ]  # fmt: skip
    said = [process.communicate(timeout=300)[0] for process in adding]
    assert [process.returncode for process in adding] == [0] * len(_NAMES), said
    for name in _NAMES:
        becomes(project, name, claude="idle", claude_what=f"I am {name}")


def test_six_at_once_share_one_file_and_each_outlives_tmux(
    real: Project, sandbox: Path, api: claude_api.Server
) -> None:
    file = sandbox / "home" / ".claude.json"
    content = json.loads(file.read_text())
    content["projects"][str(real.main)]["allowedTools"] = _RULES
    file.write_text(json.dumps(content))
    with _Watch(file) as watch:
        _begin_all(real)
        tmux("kill-server")
        eventually(lambda: open_conversations(sandbox) == [])
        real.inv("session.resume")
        for name in _NAMES:
            becomes(real, name, claude="idle")
    assert watch.torn == [] and watch.versions > len(_NAMES), watch.versions

    projects = json.loads(file.read_text())["projects"]
    assert [projects[str(real.worktree(name))]["allowedTools"] for name in _NAMES] == [_RULES] * len(_NAMES)
    opened = {each["sessionId"]: each["cwd"] for each in open_conversations(sandbox)}
    assert opened == {real.row(name)["conversation"]: str(real.worktree(name)) for name in _NAMES}
    for name in _NAMES:
        assert f"I am {name}" in screen(windows(f"tally-{name}")["claude"])
        real.inv("session.send", name, f"DO say again {name}")
        becomes(real, name, claude="idle", claude_what=f"again {name}")
        assert f"I am {name}" in json.dumps(api.requests[-1]["messages"])  # it knows what was said before
