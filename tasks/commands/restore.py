"""`inv session.restore`."""

from __future__ import annotations

from invoke.context import Context

from .command import CHANGED, command


@command("name", help={
    "name": "name of the removed session",
    "at": "when it was removed, or how that time begins, as in session.list --removed (default: last)",
    **CHANGED,
    "json": "print JSON",
})  # fmt: skip
def restore(c: Context, name: str = "", at: str = "", yes: bool = False, json: bool = False) -> None:
    """Restore a removed session, with its uncommitted work.

    Its commits, database and .env files come back as well.

    Example: inv session.restore feature/login
    """
    from .. import lifecycle
    from ..plan import restore as plan_restore
    from ..plan import row_consent
    from ..tools import git
    from . import report

    repository = git.current_repository()
    if name:
        lifecycle.finish_named(name, repository, plan_restore.refuse_settings)
    archive = plan_restore.find_archive(name, repository, at)
    row_consent.require_row(c, plan_restore.session_of(archive, repository), archive.facts["row"], yes)
    report.answer_session(c, lifecycle.restore_session(name, repository, archive.directory.name), json)
