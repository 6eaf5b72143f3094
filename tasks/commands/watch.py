"""`inv session.watch`."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING

from invoke.context import Context

from .command import command

if TYPE_CHECKING:
    from ..model import Repository, Session
    from ..status.shown_rows import Source
    from ..views.dashboard.drafts import Choices


@command(help={
    "interval": "seconds between updates",
    "all-repositories": "show the sessions of every repository on this machine",
    "web": "show it in a browser, at an address of this machine with a random token",
    "host": "with --web: listen on this address, which other machines can reach",
    "port": "with --web: listen on this port (default: one that is free)",
}, needs=("textual",))  # fmt: skip
def watch(
    c: Context, interval: str = "2", all_repositories: bool = False, web: bool = False, host: str = "", port: str = ""
) -> None:
    """Open the dashboard: sessions, previews, and keys.

    The keys are shown at the bottom; ? explains all of them.

    Example: inv session.watch
    """
    from ..config import checks
    from ..status import feed
    from ..system import progress
    from ..tools import git, tmux_attach
    from . import packages

    seconds, repository = checks.check_seconds("--interval", interval), git.current_repository()
    packages.require_textual()
    if web or host or port:
        from . import web_dashboard

        words = ["session.watch", f"--interval={interval}", *(["--all-repositories"] if all_repositories else [])]
        web_dashboard.serve(web, host, port or "0", words)
        return
    if os.environ.get("TEXTUAL_DRIVER") is None:  # which the server of a browser sets, where there is no terminal
        require_terminal("watch")
    find = functools.partial(_all_sources, c, {}) if all_repositories else None
    sources = find() if find else [source_of(c, repository)]
    with progress.muted_output():
        known = feed.Feed(sources, seconds, find)
        known.list_sessions()  # while Textual is imported
        from ..views.dashboard import app

        choice = app.show_dashboard(app.Setup(repository, known, functools.partial(form_choices, c)))
    if choice is not None:
        tmux_attach.attach_to_tmux(choice)


def source_of(c: Context, repository: Repository) -> Source:
    """Return where the sessions of *repository* come from."""
    from ..status.shown_rows import Source
    from . import forge_requests, selection

    follows = functools.cache(lambda: forge_requests.is_followed(c, repository))
    return Source(repository, lambda: selection.list_sessions(c, repository), follows)


def _all_sources(c: Context, known: dict[Repository, Source]) -> list[Source]:
    """Return where the sessions of each repository of this machine come from: this one's first; *known* ones stay."""
    from . import repositories

    current, *others = repositories.list_repositories()
    for each in (current, *others):
        known[each] = known.get(each) or (source_of if each == current else _other_source)(c, each)
    return [known[each] for each in (current, *others)]


def _other_source(c: Context, repository: Repository) -> Source:
    """Return where those of another repository come from: while its registry can't be read, there are none."""
    from ..errors import SessionError
    from ..status.shown_rows import Source
    from . import forge_requests, repositories

    follows = functools.cache(lambda: forge_requests.is_followed(c, repository))

    def listed() -> list[Session]:
        try:
            return repositories.list_sessions(c, repository)
        except (SessionError, OSError):
            return []

    return Source(repository, listed, follows)


def form_choices(c: Context, repository: Repository) -> Choices:
    """Return what the form of `add` offers for *repository*; nothing of another one runs for that."""
    from ..views.dashboard.drafts import Choices
    from . import repositories

    settings = repositories.load_settings(c, repository)
    return Choices(tuple(settings.components), tuple(settings.agents), settings.base)


def require_terminal(task: str) -> None:
    """Raise `SessionError` unless a person sits before *task*."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        from ..errors import SessionError

        raise SessionError(f"session.{task} needs a terminal.\nRun: inv session.list --json")
