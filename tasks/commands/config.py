"""`inv session.config`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from .command import JSON, answer, answer_done, as_json, command, fail_with

if TYPE_CHECKING:
    from ..config.settings import Settings


@command(help={
    "check": "check every key and placeholder, without changing anything",
    "explain": "show one key: what it means, its value and its default",
    **JSON,
})  # fmt: skip
def config(c: Context, check: bool = False, explain: str = "", json: bool = False) -> None:
    """Show the configuration, and where each value is set.

    Example: inv session.config --explain copy
    """
    import os

    from ..config import sources
    from ..store import configuration
    from ..views import configuration as view

    if check:
        fail_with(configuration.find_problems(c))
    settings = configuration.load_settings(c)
    if check:
        _check_plan(c, settings)
        answer_done("The configuration has no problems.")
        return
    found = sources.find_sources(c.config, settings, os.environ)
    if explain:
        found = [sources.select_setting(found, explain)]
    if json:
        answer(as_json({each.key: view.setting_record(each) for each in found}))
    else:
        answer(
            view.format_setting(found[0], settings.preset) if explain else view.format_settings(found), verbatim=True
        )


def _check_plan(c: Context, settings: Settings) -> None:
    """Plan a session that nobody has, which fills in every placeholder; print what `session.add` would ask for."""
    import secrets

    from ..model import Request
    from ..plan import add as plan_add
    from ..plan import consent
    from ..tools import git

    repository = git.current_repository()
    name = "" if settings.numbered else f"check-{secrets.token_hex(4)}"
    plan_add.preview_add(Request(name=name), settings, repository)
    consent.print_unapproved(c, settings, repository, agreed=False)
