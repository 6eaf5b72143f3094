"""The resource of the rules in `.claude/settings.local.json`, which Claude Code before 2.1.211 reads per worktree.

Later versions read the main checkout's file, where a copy would keep rules that were revoked.
"""

from __future__ import annotations

import os
import shlex
import stat

from ..claude import project_entry
from ..errors import SessionError
from ..model import RULES, Problem, Session
from ..store import exclude, registry
from ..system import shell
from ..system.progress import notice
from ..system.rooted import LeadsOutError, Root

LABEL = "rules"


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    if not _due(session):
        return ""
    from ..claude import rules
    from ..claude import version as claude_version

    try:
        number = rules.count_rules(rules.read_rules(session.repository.main / RULES))
    except SessionError:
        return ""
    version = claude_version.session_version(session)
    return f"copy {RULES} ({number} rule{'s' * (number != 1)}) for Claude Code {claude_version.format_version(version)}"


def create(session: Session) -> None:
    """Copy the main checkout's rules if the worktree has none; note in the row what the session began with.

    This is the last step before the conversation begins, so the entry in `.claude.json` is checked again here.
    """
    project_entry.confirm_entry(session)
    if _due(session):
        _copy(session)
    elif session.state == "adding" and not session.archive:
        _remember(session)


def _copy(session: Session) -> None:
    from ..claude import rules
    from ..claude import version as claude_version

    source, target = session.repository.main / RULES, session.worktree / RULES
    try:
        copied = rules.read_rules(source)
        text = source.read_text(encoding="utf-8", errors="surrogateescape")
    except (SessionError, OSError) as error:
        notice(f"{RULES} was not copied: {error}")
        return
    tree = Root(session.worktree)
    if not _has_room(tree):
        notice(f"{RULES} was not copied: {target.parent} is a link out of the worktree, or not a directory.")
        return
    registry.note_facts(session.repository, session.name, rules=copied)
    exclude.refresh_exclude(session.repository)
    shell.echo_command(shlex.join(["cp", str(source), str(target)]))
    tree.make_directory(os.path.dirname(RULES))
    tree.write(RULES, text.encode("utf-8", "surrogateescape"), stat.S_IMODE(source.stat().st_mode))
    if claude_version.session_version(session) is None:
        notice(f"Copied {RULES} for Claude Code before 2.1.211: the installed version is unknown.")


def _remember(session: Session) -> None:
    """Note the rules that came from `copy`, a hook or the branch: they were not granted in the session."""
    if not os.path.lexists(session.worktree / RULES):
        return
    from ..claude import rules

    try:
        began = rules.read_rules(session.worktree / RULES)
    except SessionError:
        return
    if began:
        registry.note_facts(session.repository, session.name, rules=began)


def remove(session: Session) -> None:
    """Do nothing: the copy goes with the worktree, and what was added to it is in the archive."""


def problems(session: Session) -> list[Problem]:
    """Return whether the copy is missing."""
    if not describe(session):
        return []
    from ..claude import version as claude_version

    version = claude_version.format_version(claude_version.session_version(session))
    why = f"Claude Code {version} asks again for what the main checkout allows"
    return [Problem(f"{RULES} is missing", why, f"inv session.resume {session.name}")]


def _due(session: Session) -> bool:
    """Return whether the main checkout has rules that a conversation in the worktree would not read."""
    if os.path.lexists(session.worktree / RULES) or not os.path.lexists(session.repository.main / RULES):
        return False
    from ..claude import version as claude_version

    return not claude_version.shares_rules(claude_version.session_version(session), session.repository)


def _has_room(tree: Root) -> bool:
    place = os.path.dirname(RULES)
    try:
        return tree.is_directory(place) or tree.lstat(place) is None
    except LeadsOutError:
        return False
