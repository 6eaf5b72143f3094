"""`inv session.prune`."""

from __future__ import annotations

from invoke.context import Context

from .command import JSON, answer, as_json, command


@command("name", help={
    "name": "only saved copies of these sessions, of any age (names separated by spaces or commas)",
    "days": "delete what was removed more than this many days ago (default: setting keep_removed)",
    "dry-run": "show what would be deleted, without changing anything",
    "yes": "also delete work that exists nowhere else, without asking",
    **JSON,
})  # fmt: skip
def prune(
    c: Context, name: str = "", days: str = "", dry_run: bool = False, yes: bool = False, json: bool = False
) -> None:
    """Delete saved copies of removed sessions.

    It asks first if they hold work that exists nowhere else. Sessions whose worktree is gone are removed, too.

    Example: inv session.prune --dry-run
    """
    from ..config import checks
    from ..status import prune as status_prune
    from ..store import configuration
    from ..tools import git
    from . import selection

    repository, dry = git.current_repository(), dry_run or c.config.run.dry
    settings = configuration.load_settings(c)
    names = selection.split_names(name) if name else []
    limit = checks.check_days("--days", days) if days else 0.0 if names else settings.keep_removed
    archives = status_prune.doomed_archives(repository, limit, names)
    if not (dry or yes):
        status_prune.require_consent(repository, archives, limit == 0)
    copies = status_prune.delete_archives(repository, archives, dry)
    bounds = status_prune.Limit(limit, settings.keep_removed_size)
    others = []
    if not names:
        others = status_prune.prune_rest(repository, selection.list_sessions(c, repository), bounds, dry)
    if json:
        answer(as_json({"dry_run": dry, "deleted": [each.record for each in copies], "others": others}))
        return
    lines = [*(each.text for each in copies), *others]
    answer("\n".join(lines) or ("Nothing was deleted." if names else status_prune.describe_nothing(repository, bounds)))
