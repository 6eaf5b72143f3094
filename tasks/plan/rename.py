"""What a session would be called by another name, and everything that is in the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ..config.placeholders import expand_placeholders
from ..config.settings import Settings
from ..errors import SessionError
from ..model import Session
from ..resources import worktree
from ..store import names, registry
from ..system import shell
from ..tools import git, tmux, worktree_status
from . import add, branch, contents

_UNFINISHED = ("landing", "syncing", "verifying")


def plan_rename(session: Session, new: str, settings: Settings) -> Session:
    """Return *session* with the name *new*: its branch, tmux session and work log; its directory is as it was.

    Raises `SessionError` for everything that is in the way.
    """
    rows = registry.read_registry(session.repository)
    row = rows.pop(session.name)
    _refuse_unfit(session, row, settings)
    names.check_name(new)
    if new == session.name:
        raise SessionError(f"Session {new} has that name already. Give another one.")
    slug = names.slug_of(new)
    add.refuse_taken_name(new, slug, rows)
    renamed = session._replace(name=new, branch=_new_branch(session, new, settings))
    renamed = renamed._replace(tmux=contents.tmux_name(session.project, slug))
    _refuse_branch(session, renamed)
    _refuse_tmux(session, renamed)
    log = {key: _renamed_text(text, session, renamed) for key, text in session.work_log.items() if key != "file"}
    return renamed._replace(work_log={**session.work_log, **log} if session.work_log else {})


def _refuse_unfit(session: Session, row: Mapping[str, Any], settings: Settings) -> None:
    if settings.numbered:
        raise SessionError("This project numbers its sessions, so they can't be renamed. Add another: inv session.add")
    if not session.created:
        raise SessionError(
            f"Session {session.name} was made by another tool, so it can't be renamed. Give it a new one instead.\n"
            f"Run: inv session.remove {session.name} --keep-branch && inv session.add NAME --branch {session.branch}"
        )
    if session.state != "ready" or any(row.get(key) for key in _UNFINISHED):
        raise SessionError(f"A command on {session.name} was interrupted.\nRun: inv session.doctor --fix")
    worktree.refuse_displaced(session)
    if operations := worktree_status.list_git_operations(session, worktree.find_own_worktree(session)):
        raise SessionError(
            f"A git operation is in progress in {session.worktree} ({operations[0].name}). Finish or abort it first."
        )


def _new_branch(session: Session, new: str, settings: Settings) -> str:
    """Return the branch of the session *new*: the same if it was not named after the session."""
    created = datetime.fromisoformat(session.created).strftime(settings.date)
    facts = {
        "main": str(session.repository.main), "project": session.project, "date": created,
        "component": session.component, "profile": session.profile, "agent": session.agent.name,
    }  # fmt: skip

    def named(name: str) -> str:
        return expand_placeholders(settings.branch, {**facts, "name": name, "slug": names.slug_of(name)}, "branch")

    if session.branch == named(session.name):
        return named(new)
    return new if session.branch == session.name else session.branch


def _refuse_branch(session: Session, renamed: Session) -> None:
    if renamed.branch == session.branch:
        return
    names.check_branch(renamed.branch)
    refs = git.list_branches(session.repository)
    refs.pop(f"refs/heads/{session.branch}", None)
    taken = [each for each in refs if re.fullmatch(f"refs/(heads|remotes/[^/]+)/{re.escape(renamed.branch)}", each)]
    if taken:
        short = taken[0].split("/", 2)[2]
        raise SessionError(f"Branch {short} already exists. Choose another NAME.")
    branch.refuse_beside(renamed.branch, refs, session.repository)


def _refuse_tmux(session: Session, renamed: Session) -> None:
    open_sessions = shell.read_output(*tmux.TMUX, "list-sessions", "-F", "#{session_name}", check=False).splitlines()
    if renamed.tmux != session.tmux and renamed.tmux in open_sessions:
        from ..tools import found_tmux

        raise SessionError(found_tmux.describe_taken(renamed.tmux))


def _renamed_text(text: str, session: Session, renamed: Session) -> str:
    for old, new in {session.branch: renamed.branch, session.name: renamed.name}.items():
        text = re.sub(rf"(?<![\w./-]){re.escape(old)}(?![\w/-])", new, text)  # neither has a backslash
    return text


def plan_directory(session: Session, renamed: Session | None = None) -> tuple[Session, str]:
    """Return *session*, or what it is to be *renamed*, with its directory named after it; or as it is, and why."""
    named = renamed or session
    slug, place = names.slug_of(named.name), session.worktree
    if slug == session.slug:
        return named, ""
    if not place.name.endswith(session.slug):
        return named._replace(slug=slug), ""
    moved = named._replace(slug=slug, worktree=place.with_name(place.name.removesuffix(session.slug) + slug))
    return (named, why) if (why := _obstacle(session, moved.worktree)) else (moved, "")


def _obstacle(session: Session, target: Path) -> str:
    """Return why the worktree can't be moved to *target* now, or ever; empty when it can."""
    from ..claude import live
    from ..system import processes

    place = session.worktree
    talking = live.list_live(session.agent) or [] if session.agent.is_claude else []
    inner = [row["worktree"] for row in registry.read_registry(session.repository).values()]
    obstacles = {
        "its windows are open": bool(tmux.list_panes(session)),
        "a conversation is open in it": any(Path(each.directory).is_relative_to(place) for each in talking),
        "its programs are running": any(processes.session_processes(session)),
        f"{target} exists": target.exists() or target.is_symlink(),
        "a virtual environment in it has its path": any(
            not each.parent.is_symlink() for each in place.glob("*/pyvenv.cfg")
        ),
        "its containers have its path": session.compose is not None,
        "git can't move a worktree with submodules": (place / ".gitmodules").exists(),
        "it is locked in git": worktree.is_locked(session, worktree.find_own_worktree(session)),
        "another session is in it": any(place in Path(each).parents for each in inner),
    }
    return next((reason for reason, holds in obstacles.items() if holds), "")
