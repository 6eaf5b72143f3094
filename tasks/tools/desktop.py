"""The person's own browser and editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from ..errors import SessionError
from ..system import shell
from . import git

_PATIENCE = 5.0  # seconds in which a browser that can't be started says so
_IN_TERMINALS = ("editor", "vi", "vim", "nvim", "nano", "pico", "ed", "micro", "helix", "hx")
_WAITING = ("--wait", "-w")  # with which an editor with windows of its own stays in the terminal


def browser_command(address: str) -> list[str]:
    """Return the command that opens *address* in the person's browser; empty on a machine that shows no windows."""
    if named := os.environ.get("BROWSER", "").split(os.pathsep)[0]:
        words = shlex.split(named)
        return [word.replace("%s", address) for word in words] + ([] if "%s" in named else [address])
    if sys.platform == "darwin":
        return [] if os.environ.get("SSH_CONNECTION") else ["open", address]
    openers = ["wslview"] + (["xdg-open"] if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") else [])
    return next(([each, address] for each in openers if shutil.which(each)), [])


def open_browser(address: str) -> bool:
    """Open *address* in the person's browser, which stays; return whether there is one.

    Raises `SessionError` when it can't be started.
    """
    argv = browser_command(address)
    if not argv:
        return False
    shell.echo_command(shlex.join(argv))
    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            argv, env=shell.clean_environment(), stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
        )
        code = process.wait(timeout=_PATIENCE)
    except OSError as error:
        raise SessionError(f"Couldn't start {argv[0]}: {error.strerror}.\nOpen it yourself: {address}") from None
    except subprocess.TimeoutExpired:  # it is the browser itself
        process.returncode = 0  # nobody waits for it any more
        return True
    if code:
        raise SessionError(f"{argv[0]} failed (exit code {code}).\nOpen it yourself: {address}")
    return True


def editor_command(directory: Path) -> list[str]:
    """Return the command that opens *directory* in the person's editor: git's, which is also VISUAL's or EDITOR's.

    It may need the terminal. Raises `SessionError` when there is none.
    """
    editor = git.read_git(directory, "var", "GIT_EDITOR", check=False).strip()
    words = editor.split()
    if not words:
        raise SessionError("No editor is configured.\nSet EDITOR, or run: git config --global core.editor NAME")
    if not sys.stdin.isatty() and Path(words[0]).name in _IN_TERMINALS:
        raise SessionError(f"{words[0]} needs a terminal.\nOpen it yourself: {directory}")
    own = " ".join(word for word in words if word not in _WAITING)
    return ["sh", "-c", f'{own} "$@"', words[0], str(directory)]  # as git starts it: it may have options and quotes


def open_editor(directory: Path) -> None:
    """Open *directory* in the person's editor, which may take the terminal until it ends.

    Raises `SessionError` when it fails.
    """
    argv = editor_command(directory)
    shell.echo_command(shlex.join(argv))
    code = subprocess.run(argv, cwd=directory, env=shell.clean_environment(), check=False).returncode
    if code:
        raise SessionError(
            f"The editor {argv[3]} failed (exit code {code}).\nSet EDITOR, or another core.editor of git."
        )
