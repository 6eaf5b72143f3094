"""A recording of the demo: what the real program prints in a real terminal, as an SVG that moves."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from develop import demo, sample

COMMANDS = (
    "inv session.add feature-auth",
    "inv session.add bugfix-ui",
    "inv session.list",
    "inv session.stop bugfix-ui",
    "inv session.remove feature-auth",
    "inv session.list",
)
_WIDTH, _HEIGHT = 132, 30
_PATIENCE = 120.0  # seconds for one command
_LONGEST = 1.2  # seconds of one picture: who looks on need not wait for the machine
_READING = 2.0  # after each command
_SERVER = "recording"  # of tmux, beside the one of the sessions that are recorded

Frame = tuple[float, str]  # how long it is shown, and the screen with its colours


def record(file: Path, say: Callable[[str], None]) -> None:
    """Make the demo's project in a directory and a HOME of its own, run `COMMANDS` there and write *file*."""
    top = Path(tempfile.mkdtemp(prefix="recording-"))
    terminal = _Terminal(top)
    main = top / "Dev" / "tally"
    try:
        sample.build(main, demo.CACHE, say)
        demo.embed(main)
        terminal.start(main)
        frames = [frame for command in COMMANDS for frame in _told(terminal, main, command, say)]
        file.write_text(svg(frames), encoding="utf-8")
    finally:
        terminal.end(main)
        shutil.rmtree(top, ignore_errors=True)


def _told(terminal: _Terminal, main: Path, command: str, say: Callable[[str], None]) -> list[Frame]:
    say(f"$ {command}")
    frames = terminal.run(command)
    if command.startswith("inv session.add"):
        demo.wait(main, lambda _line: None)  # so that the list shows what a person sees a little later
    return frames


class _Terminal:
    """A pane of a tmux server of its own, with nothing of ours in its environment."""

    def __init__(self, top: Path) -> None:
        self._prompts, home = top / "prompts", top
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.invalid\n")
        rc = f"PATH='{path}' PS1='$ ' PROMPT_COMMAND='echo >> {self._prompts}'\n"
        (home / ".bashrc").write_text(rc)
        (home / ".claude.json").write_text("{}")  # of somebody who has started Claude Code before
        (home / ".bash_profile").write_text(". ~/.bashrc\n")
        self._environment = {
            "HOME": str(home), "PATH": path, "TMUX_TMPDIR": str(top), "XDG_STATE_HOME": str(top / "state"),
            "LANG": "C.UTF-8", "SHELL": "/bin/bash", "TERM": "xterm-256color",
        }  # fmt: skip

    def start(self, directory: Path) -> None:
        size = ("-x", str(_WIDTH), "-y", str(_HEIGHT))
        shell = "env -u TMUX -u TMUX_PANE bash"  # as a person who is in no tmux yet
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "-c", str(directory), shell)
        self._until(lambda: self._count() > 0, "the shell")
        self._prompts.write_text("\n")

    def run(self, command: str) -> list[Frame]:
        """Return the screens until *command* has ended, each with its seconds."""
        before, frames = self._count(), []
        self._tmux("send-keys", "-l", command)
        time.sleep(0.2)
        shown, since = self._screen(), time.monotonic()
        self._tmux("send-keys", "Enter")

        def ended() -> bool:
            nonlocal shown, since
            done, now, screen = self._count() > before, time.monotonic(), self._screen()
            if screen != shown:
                frames.append((min(now - since, _LONGEST), shown))
                shown, since = screen, now
            return done

        self._until(ended, command)
        return [*frames, (_READING, self._screen())]

    def end(self, main: Path) -> None:
        """End what was started in the directory: the servers of sessions, and both tmux servers."""
        if (main / ".tally-sessions").exists():
            inv = Path(sys.executable).with_name("inv")
            stop = [str(inv), "session.stop", "--all"]
            subprocess.run(stop, cwd=main, env=self._environment, capture_output=True, check=False)
        for server in (("-L", _SERVER), ()):
            subprocess.run(["tmux", *server, "kill-server"], env=self._environment, capture_output=True, check=False)

    def _screen(self) -> str:
        return self._tmux("capture-pane", "-e", "-p").rstrip("\n")

    def _count(self) -> int:
        return self._prompts.stat().st_size if self._prompts.exists() else 0

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", _SERVER, *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True).stdout

    def _until(self, done: Callable[[], bool], what: str) -> None:
        started = time.monotonic()
        while not done():
            if time.monotonic() - started > _PATIENCE:
                raise demo.DemoError(f"{what} did not end within {_PATIENCE:.0f} s:\n{self._screen()}")
            time.sleep(0.08)


def svg(frames: list[Frame]) -> str:
    """Return the *frames* as one SVG that shows them in turn; where nothing moves, the last."""
    from rich.console import Console
    from rich.text import Text

    whole, at, styles, pictures = sum(seconds for seconds, _screen in frames), 0.0, [], []
    for number, (seconds, screen) in enumerate(frames):
        console = Console(width=_WIDTH, record=True, file=io.StringIO(), force_terminal=True)
        console.print(Text.from_ansi(screen + "\n" * (_HEIGHT - 1 - screen.count("\n"))))
        style, picture = console.export_svg(title="", code_format=_PART, unique_id=f"f{number}").split("<!---->")
        first, last = 100 * at / whole, 100 * (at + seconds) / whole
        at += seconds
        hidden = "" if first == 0 else "0%{visibility:hidden}"
        after = "" if last >= 99.999 else f"{last:.3f}%{{visibility:hidden}}"
        styles.append(f"{style.strip()}@keyframes k{number}{{{hidden}{first:.3f}%{{visibility:visible}}{after}}}")
        shown = "visible" if number == len(frames) - 1 else "hidden"
        styles.append(f"#s{number}{{visibility:{shown};animation:k{number} {whole:.1f}s step-end infinite}}")
        picture = re.sub(r' clip-path="[^"]*"', "", picture.strip())
        pictures.append(f'<g id="s{number}">{picture}</g>')
    return _WHOLE.format(styles="\n".join(styles), pictures="\n".join(pictures), **_SIZE)


_SIZE = {"width": round(_WIDTH * 12.2) + 40, "height": round(_HEIGHT * 24.4) + 40}
_PART = "{styles}<!---->{backgrounds}{matrix}"
_WHOLE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<title>A recording of the demo</title>
<style>
text{{font:20px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}}
@media (prefers-reduced-motion:reduce){{g{{animation:none!important}}}}
{styles}
</style>
<rect width="100%" height="100%" rx="8" fill="#292929"/>
<g transform="translate(20,20)">
{pictures}
</g>
</svg>
"""
