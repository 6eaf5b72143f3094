"""Bringing in a worktree, a tmux session or a conversation that exists: what runs in it continues."""

from __future__ import annotations

from .. import lifecycle
from ..claude import hooks
from ..config.settings import Settings
from ..errors import SessionError
from ..model import Repository, Request, Session
from ..plan import existing, taken
from ..plan.existing import Found, Wanted
from ..store import registry, seals
from ..system import progress, signals
from ..tools import found_tmux, tmux


def adopt_existing(
    request: Request, wanted: Wanted, session: Session | None, settings: Settings, repository: Repository
) -> Session:
    """Bring what is *wanted* into *session*, or into a new one of *request*, and return it.

    What was there before stays if that fails.
    """
    if session and wanted.worktree:
        raise SessionError(
            f"Session {session.name} already exists, in {session.worktree}. Choose another NAME for the worktree."
        )
    if session and session.state != "ready":
        raise SessionError(f"Session {session.name} is unfinished.\nRun: inv session.remove {session.name}")
    found = existing.find_existing(wanted, session, repository)
    adopted = _change(session, wanted, found) if session else _add(request, wanted, found, settings, repository)
    if wanted.tmux:
        named = _windows_of(adopted, found)
        found_tmux.take_over(adopted, found.panes, named)
        if others := dict.fromkeys(pane.window for pane in found.panes if pane.id not in named):
            windows = progress.list_some(list(others))
            progress.notice(f"Stopping {adopted.name} will end these windows of {wanted.tmux}, too: {windows}.")
        _start(adopted)
    return adopted._replace(bare=False)


def _add(request: Request, wanted: Wanted, found: Found, settings: Settings, repository: Repository) -> Session:
    request = taken.request_taken(request, found.worktree, repository)
    request = request._replace(tmux=wanted.tmux, conversation=found.conversation, bare=bool(wanted.tmux))
    return lifecycle.add_session(request, settings, repository)


def _change(session: Session, wanted: Wanted, found: Found) -> Session:
    """Note in the row of *session* what it gets; raise `SessionError` while its own runs."""
    panes = tmux.list_panes(session)
    if wanted.tmux and panes and session.tmux != wanted.tmux:
        raise SessionError(
            f"Session {session.name} has a tmux session of its own, {session.tmux}, which is running.\n"
            f"Stop it first: inv session.stop {session.name}"
        )
    names = {window.name for window in session.windows if window.claude}
    changes = found.conversation not in ("", hooks.conversation_of(session))
    if changes and any(pane.window in names and not pane.at_prompt for pane in panes):
        raise SessionError(
            f"Claude is running in {session.name}, in another conversation.\n"
            f"Stop it first: inv session.stop {session.name}"
        )
    with registry.session_lock(session.repository, session.name), signals.signals_held():
        if changes:
            hooks.forget_conversation(session)
            registry.note_facts(session.repository, session.name, conversation=found.conversation)
            session = session._replace(conversation=found.conversation)
        if wanted.tmux and session.tmux != wanted.tmux:
            session = _name_tmux(session, wanted.tmux)
    if panes and changes and not wanted.tmux:
        _start(session)
    return session


def _name_tmux(session: Session, name: str) -> Session:
    with registry.changing_registry(session.repository) as rows:
        row = rows[session.name]
        new = {**row, "tmux": name}
        rows[session.name] = seals.seal_row(session.name, new) if seals.is_intact(session.name, row) else new
    return session._replace(tmux=name)


def _windows_of(session: Session, found: Found) -> dict[str, str]:
    """Return by pane which window of *session* it is: by its name, and by the conversation that is open in it."""
    talk = next((window.name for window in session.windows if window.claude), "")
    named = {found.pane: talk} if found.pane and talk else {}
    for pane in found.panes:
        matches = [each.name for each in session.windows if pane.window in (each.name, each.name.replace(":", "-"))]
        if matches and pane.id not in named and matches[0] not in named.values():
            named[pane.id] = matches[0]
    return named


def _start(session: Session) -> None:
    if failures := lifecycle.resume_sessions([session]):
        raise SessionError("\n".join(failures))
