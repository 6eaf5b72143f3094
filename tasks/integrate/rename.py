"""Another name for a session: the row says it first, then the rest follows; also after a kill."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..claude import transcripts
from ..config.settings import Settings
from ..model import Problem, Session
from ..plan import rename as plan
from ..plan import restore
from ..resources import claude_project, files, worklog
from ..store import aside, exclude, registry, seals
from ..store import rows as store_rows
from ..system import shell, signals, startup
from ..tools import git, tmux

_KEY = "renaming"  # in the row: what the session was called before, until everything is
_PLACES = ("env", "variables", "windows", "agent", "activate", "setup", "teardown", "verify")  # may name the worktree
_REFS = ("refs/tally/kept/", "refs/tally/adopted/")


def rename_session(session: Session, new: str, settings: Settings) -> Session:
    """Give *session* the name *new* and return it; its directory moves only if nothing runs there."""
    repository = session.repository
    with ExitStack() as held:
        for name in sorted({session.name, new}):
            held.enter_context(registry.session_lock(repository, name))
        renamed = plan.plan_rename(store_rows.current_session(session), new, settings)
        with signals.signals_held():
            _note_name(session, renamed)
            finish_rename(renamed)
    return renamed


def move_directory(session: Session) -> tuple[Session, str]:
    """Name the directory of *session* after it, if nothing runs there; return it, or why it stays."""
    with registry.session_lock(session.repository, session.name):
        moved, why = plan.plan_directory(store_rows.current_session(session))
        if moved == session or why:
            return session, why
        os.chdir(session.repository.main)  # ours, and modules that are not imported yet, may move
        startup.load_all_below(session.worktree)
        with signals.signals_held():
            if moved.worktree != session.worktree:
                claude_project.remove(session)
            moved = _note_directory(session, moved)
            finish_rename(moved)
    return moved, ""


def is_renamed(session: Session, name: str) -> bool:
    """Return whether *session* was called *name* before, by a rename that may have been interrupted."""
    return bool(registry.read_registry(session.repository)[session.name].get("retitle") == name)


def finish_rename(session: Session) -> None:
    """Do what the row of *session* says is left of a rename; the caller has the session's lock."""
    if not (before := _noted(session)):
        return
    old = session._replace(
        name=before["name"], branch=before["branch"], tmux=before["tmux"], slug=before["slug"],
        worktree=Path(before["worktree"]), work_log=before["work_log"], tip=before["tip"],
    )  # fmt: skip
    _move_worktree(old, session)
    _rename_branch(old, session)
    _rename_tmux(old, session)
    if session.work_log and old.name != session.name:
        worklog.rename_entry(old, session)
    if old.slug != session.slug:
        _move_notes(old, session)
    registry.note_facts(session.repository, session.name, **{_KEY: {}})


def _noted(session: Session) -> dict[str, Any]:
    noted = registry.read_registry(session.repository).get(session.name, {}).get(_KEY)
    return noted if isinstance(noted, dict) else {}


def _before(session: Session) -> dict[str, Any]:
    return {
        "name": session.name, "branch": session.branch, "tmux": session.tmux, "slug": session.slug,
        "worktree": str(session.worktree), "work_log": dict(session.work_log),
        "tip": git.resolve_commit(session.repository, f"refs/heads/{session.branch}"),
    }  # fmt: skip


def _note_name(session: Session, renamed: Session) -> None:
    """Write the row under its new name; sessions that are measured against the branch follow it."""
    before = _before(session)
    with registry.changing_registry(session.repository) as rows:
        facts: registry.Row = {"branch": renamed.branch, "tmux": renamed.tmux, "work_log": dict(renamed.work_log)}
        facts |= {_KEY: before, "retitle": session.name}
        after = {renamed.name if name == session.name else name: row for name, row in rows.items()}
        for name, row in after.items():
            was = session.name if name == renamed.name else name
            new = {**row, **facts} if name == renamed.name else row
            new = {**new, "base": renamed.branch} if row.get("base") == session.branch else new
            after[name] = seals.seal_row(name, new) if new != row and seals.is_intact(was, row) else new
        rows.clear()
        rows.update(after)


def _note_directory(session: Session, moved: Session) -> Session:
    """Write where it will be into the row, and return the session as that says it is."""
    path = re.compile(re.escape(str(session.worktree)) + r"(?![\w.-])")
    before = _before(session)
    with registry.changing_registry(session.repository) as rows:
        row = rows[session.name]
        new = {**row, "slug": moved.slug, "worktree": str(moved.worktree), _KEY: before}
        new |= {key: _replaced(row[key], path, str(moved.worktree)) for key in _PLACES if key in row}
        rows[session.name] = seals.seal_row(session.name, new) if seals.is_intact(session.name, row) else new
    row = registry.read_registry(session.repository)[session.name]
    return store_rows.session_from_row(session.name, row, session.repository, restore.refuse_settings)


def _replaced(value: Any, path: re.Pattern[str], place: str) -> Any:
    if isinstance(value, str):
        return path.sub(lambda _match: place, value)
    if isinstance(value, list):
        return [_replaced(each, path, place) for each in value]
    return {key: _replaced(each, path, place) for key, each in value.items()} if isinstance(value, dict) else value


def _rename_branch(old: Session, session: Session) -> None:
    """Rename it as git does; a git that was killed at it is brought to its end."""
    if old.branch == session.branch:
        return
    main, place = session.repository.main, session.worktree
    before, after = (f"refs/heads/{each.branch}" for each in (old, session))
    if git.resolve_commit(session.repository, before) and not git.resolve_commit(session.repository, after):
        git.run_git(main, "branch", "-m", old.branch, session.branch)
        return
    if old.tip and not git.resolve_commit(session.repository, after):
        git.run_git(main, "update-ref", after, old.tip)
    if git.read_git(place, "symbolic-ref", "--quiet", "HEAD", check=False).strip() == before:
        git.run_git(place, "symbolic-ref", "HEAD", after)
    if git.read_git(main, "config", "--get-regexp", f"^branch\\.{re.escape(old.branch)}\\.", check=False):
        git.run_git(main, "config", "--rename-section", f"branch.{old.branch}", f"branch.{session.branch}")


def _rename_tmux(old: Session, session: Session) -> None:
    if old.tmux != session.tmux and any(pane.worktree == str(session.worktree) for pane in tmux.list_panes(old)):
        tmux.run_tmux([("rename-session", "-t", f"={old.tmux}", session.tmux)])


def _move_worktree(old: Session, session: Session) -> None:
    if old.worktree == session.worktree:
        return
    main, repository = session.repository.main, session.repository
    if os.path.lexists(old.worktree) and not os.path.lexists(session.worktree):
        git.run_git(main, "worktree", "move", str(old.worktree), str(session.worktree))
    if git.own_admin_dir(repository, session.worktree) is None:  # git was killed after it had moved the directory
        git.run_git(main, "worktree", "repair", str(session.worktree))
    aside.drop_parent(old)
    if any(str(session.worktree) in value for values in session.env.values() for value in values.values()):
        files.fix_files(session)
    if session.agent.is_claude:
        _move_conversation(old, session)


def _move_conversation(old: Session, session: Session) -> None:
    """Take the conversation along: Claude Code looks for it where its directory is now."""
    source, target = (transcripts.transcripts_directory(each) for each in (old, session))
    for name in (f"{session.conversation}.jsonl", session.conversation):
        if session.conversation and (source / name).exists() and not (target / name).exists():
            target.mkdir(mode=0o700, exist_ok=True)
            shell.echo_command(f"mv {source / name} {target / name}")
            (source / name).rename(target / name)


def _move_notes(old: Session, session: Session) -> None:
    """Bring along what is kept under the session's slug: the notes of its conversation, and refs."""
    if old.private.is_dir() and not session.private.exists():
        old.private.rename(session.private)
    main = session.repository.main
    for place in _REFS:
        listing = git.read_git(main, "for-each-ref", "--format=%(refname) %(objectname)", f"{place}{old.slug}/")
        for name, commit in map(str.split, listing.splitlines()):
            git.run_git(main, "update-ref", f"{place}{session.slug}/{name.rpartition('/')[2]}", commit)
            git.run_git(main, "update-ref", "-d", name)
    exclude.refresh_exclude(session.repository)


def remote_branch(session: Session) -> str:
    """Return the remote branch that the branch of *session* follows, if that has another name; else empty text."""
    upstream = f"refs/heads/{session.branch}"
    form = "--format=%(upstream:short) %(upstream:remotename)"
    short, _, remote = git.read_git(session.repository.main, "for-each-ref", form, upstream).strip().partition(" ")
    is_other = remote and remote != "." and short != f"{remote}/{session.branch}" and short != session.base
    return short if is_other else ""


def rename_problems(sessions: Sequence[Session]) -> Iterator[tuple[str, Problem]]:
    """Yield the sessions whose rename was interrupted."""
    for session in sessions:
        if (before := _noted(session)) and not registry.is_busy(session.repository, session.name):
            what = f"renaming it from {before['name']} was interrupted"
            what = "renaming its directory was interrupted" if before["name"] == session.name else what
            why = "branch and directory may have old names"
            yield session.name, Problem(what, why, "inv session.doctor --fix")


def finish_renames(sessions: Sequence[Session]) -> None:
    """Finish the renames that no command is working on."""
    for session in sessions:
        with ExitStack() as until:
            if _noted(session) and registry.try_session_lock(session.repository, session.name, until):
                finish_rename(session)
