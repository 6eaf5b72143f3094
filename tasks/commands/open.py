"""`inv session.open`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from .command import NAME, answer, command

if TYPE_CHECKING:
    from ..model import Session


@command("name", help={
    **NAME,
    "browser": "open its page in your browser (default)",
    "editor": "open its worktree in your editor, the one that git uses",
    "path": "print its worktree's path, as for: cd $(inv session.open NAME --path)",
    "window": "attach to this window, given by its name or the part of it before the colon",
})  # fmt: skip
def open_(
    c: Context, name: str = "", browser: bool = False, editor: bool = False, path: bool = False, window: str = ""
) -> None:
    """Open a session's page, editor or window.

    Example: inv session.open feature/login --editor
    """
    from ..errors import SessionError
    from ..tools import desktop, tmux_attach
    from . import selection

    if browser + editor + path + bool(window) > 1:
        raise SessionError("Give one of --browser, --editor, --path and --window.")
    session = selection.select_session(c, name)
    if path:
        answer(str(session.worktree), verbatim=True)
    elif window:
        tmux_attach.attach_to_tmux(session, window)
    elif editor:
        if not session.worktree.is_dir():
            raise SessionError(f"The worktree of {session.name} is gone.\nRun: inv session.doctor")
        desktop.open_editor(session.worktree)
    else:
        _open_page(session)


def _open_page(session: Session) -> None:
    from ..errors import SessionError
    from ..status import pages
    from ..system import progress
    from ..tools import desktop

    first, *others = pages.list_pages(session)
    if not first.answers:
        raise SessionError(
            f"{first.address} doesn't respond.\nRun: inv session.start {session.name} --wait\n"
            f"Or look why: inv session.logs {session.name}"
        )
    opened = desktop.open_browser(first.address)
    answer(f"Opened {first.address}." if opened else first.address)
    if not opened:
        progress.notice("There is no browser on this machine, or BROWSER isn't set. Open the address yourself.")
    if others:
        progress.notice(f"Other pages: {', '.join(each.address for each in others)}")
