"""The demo, recorded from the real program in a real terminal, as an animated SVG."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from develop import demo, sample
from testing import stand_ins

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
_LONGEST = 1.2  # seconds that a frame is shown at most, however long the machine took
_READING = 2.0  # seconds to read what a command printed
_SERVER = "recording"  # the tmux server of the terminal; the sessions in it use the default one of their own HOME

Frame = tuple[float, str]  # how long it is shown, and the screen with its colours


def record(file: Path, say: Callable[[str], None]) -> None:
    """Run `COMMANDS` in a new demo project and write the recording to *file*."""
    with project_in_terminal(say) as (terminal, main):
        frames = [frame for command in COMMANDS for frame in _frames_of(terminal, main, command, say)]
    file.write_text(svg(frames), encoding="utf-8")


@contextmanager
def project_in_terminal(say: Callable[[str], None]) -> Iterator[tuple[Terminal, Path]]:
    """Yield a terminal in a new demo project, and its main checkout; both have a temporary HOME of their own."""
    top = Path(tempfile.mkdtemp(prefix="recording-"))
    terminal = Terminal(top)
    main = top / "Dev" / "tally"
    try:
        sample.build(main, demo.CACHE, say)
        demo.embed(main)
        terminal.start(main)
        yield terminal, main
    finally:
        terminal.end(main)
        shutil.rmtree(top, ignore_errors=True)


def _frames_of(terminal: Terminal, main: Path, command: str, say: Callable[[str], None]) -> list[Frame]:
    say(f"$ {command}")
    frames = terminal.run(command)
    if command.startswith("inv session.add"):
        demo.wait(main, lambda _line: None)  # the list that follows shall show running servers
    return frames


class Terminal:
    """A pane of a separate tmux server. Its HOME is temporary, and `claude` is the tests' stand-in."""

    def __init__(self, top: Path) -> None:
        self._prompts, self._home, home = top / "prompts", top, top
        stand_ins.install(top / "programs")
        path = os.pathsep.join([str(top / "programs"), str(Path(sys.executable).parent), os.environ["PATH"]])
        (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.invalid\n")
        # The windows of sessions read this file, too: only the prompts of this terminal count.
        rc = f"PATH='{path}' PS1='$ '; [ -n \"$TMUX\" ] || PROMPT_COMMAND='echo >> {self._prompts}'\n"
        (home / ".bashrc").write_text(rc)
        (home / ".claude.json").write_text("{}")  # as if Claude Code had been started before
        (home / ".bash_profile").write_text(". ~/.bashrc\n")
        self._environment = {
            "HOME": str(home), "PATH": path, "TMUX_TMPDIR": str(top), "XDG_STATE_HOME": str(top / "state"),
            "LANG": "C.UTF-8", "SHELL": "/bin/bash", "TERM": "xterm-256color",
        }  # fmt: skip

    def start(self, directory: Path) -> None:
        """Open the terminal in *directory* and wait for its prompt."""
        size = ("-x", str(_WIDTH), "-y", str(_HEIGHT))
        shell = "env -u TMUX -u TMUX_PANE bash"  # the person whose terminal this is has not started tmux
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "-c", str(directory), shell)
        self._until(lambda: self._count() > 0, "the shell")
        self._prompts.write_text("\n")

    def run(self, command: str) -> list[Frame]:
        """Return the screens until *command* has ended, each with its seconds."""
        before, frames = self._count(), []
        self.type(command)
        time.sleep(0.2)
        shown, since = self.screen(), time.monotonic()
        self.press("Enter")

        def ended() -> bool:
            nonlocal shown, since
            done, now, screen = self._count() > before, time.monotonic(), self.screen()
            if screen != shown:
                frames.append((min(now - since, _LONGEST), shown))
                shown, since = screen, now
            return done

        self._until(ended, command)
        return [*frames, (_READING, self.screen())]

    def resize(self, height: int = _HEIGHT) -> None:
        """Give the terminal *height* lines."""
        self._tmux("resize-window", "-x", str(_WIDTH), "-y", str(height))

    def type(self, text: str) -> None:
        """Type *text* without Enter."""
        self._tmux("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Press *keys*, by tmux's names of keys."""
        self._tmux("send-keys", *keys)

    def wait_for(self, text: str) -> str:
        """Return the screen as soon as it shows *text*."""
        self._until(lambda: text in self.screen(), repr(text))
        time.sleep(1)  # the rest of the screen may still be drawn
        return self.screen()

    def end(self, main: Path) -> None:
        """Stop the sessions of *main*, their servers and both tmux servers."""
        if (main / ".tally-sessions").exists():
            inv = Path(sys.executable).with_name("inv")
            stop = [str(inv), "session.stop", "--all"]
            subprocess.run(stop, cwd=main, env=self._environment, capture_output=True, check=False)
        for server in (("-L", _SERVER), ()):
            subprocess.run(["tmux", *server, "kill-server"], env=self._environment, capture_output=True, check=False)

    def screen(self) -> str:
        """Return what the terminal shows, with its colours; the temporary HOME is shown as `~`."""
        return self._tmux("capture-pane", "-e", "-p").rstrip("\n").replace(str(self._home), "~")

    def _count(self) -> int:
        return self._prompts.stat().st_size if self._prompts.exists() else 0

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", _SERVER, *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True).stdout

    def _until(self, done: Callable[[], bool], what: str) -> None:
        started = time.monotonic()
        while not done():
            if time.monotonic() - started > _PATIENCE:
                raise demo.DemoError(f"{what} didn't end within {_PATIENCE:.0f} s:\n{self.screen()}")
            time.sleep(0.2)


def svg(frames: list[Frame], width: int = _WIDTH, height: int = _HEIGHT, title: str = "A recording of the demo") -> str:
    """Return the *frames* as one animated SVG; without animation it shows the last one."""
    from rich.console import Console
    from rich.text import Text

    whole, at, styles, pictures = sum(seconds for seconds, _screen in frames), 0.0, [], []
    for number, (seconds, screen) in enumerate(frames):
        console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True)
        console.print(Text.from_ansi(screen + "\n" * (height - 1 - screen.count("\n"))))
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
    size = {"width": round(width * 12.2) + 40, "height": round(height * 24.4) + 40}
    return _WHOLE.format(styles="\n".join(styles), pictures="\n".join(pictures), title=title, **size)


_PART = "{styles}<!---->{backgrounds}{matrix}"
_WHOLE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<title>{title}</title>
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
