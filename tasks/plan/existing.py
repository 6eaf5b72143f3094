"""What `adopt` finds of a worktree, tmux session and conversation that exist, and everything that is in the way."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..claude import hooks, live, transcripts
from ..errors import SessionError
from ..model import Agent, Repository, Session
from ..store import registry
from ..system.patterns import late_pattern
from ..tools import found_tmux, worktrees
from ..tools.found_tmux import FoundPane
from . import taken

_ODD = late_pattern(r"""['"\\$#{}~;*?\[\]]""")  # what tmux's own commands and patterns are written with


class Wanted(NamedTuple):
    """What a person names: the path of a worktree, the name of a tmux session, the id of a conversation."""

    worktree: str = ""
    tmux: str = ""
    conversation: str = ""


class Found(NamedTuple):
    """What there is: the *worktree*, the *panes* of the tmux session, and the *conversation*, open in *pane* or not."""

    worktree: str
    panes: Sequence[FoundPane] = ()
    conversation: str = ""
    pane: str = ""


def find_existing(wanted: Wanted, session: Session | None, repository: Repository) -> Found:
    """Return what is *wanted*, for *session* or, if that is None, for a new one.

    Raises `SessionError` with what to do where it can't be brought in whole.
    """
    owners = [session.worktree] if session else []
    panes = _panes(wanted.tmux, owners) if wanted.tmux else []
    talks = live.list_live(Agent()) or []
    inside = [each for each in talks if _pane_of(each, panes)]
    identity = wanted.conversation or _only(inside)
    talk = next((each for each in talks if each.identity == identity), None)
    place = session.worktree if session else _place(wanted, panes, identity, talk, repository)
    if identity:
        _check_conversation(identity, talk, place, session, repository)
    return Found(str(place), panes, identity, _pane_of(talk, panes) if talk else "")


def _panes(name: str, owners: Sequence[Path]) -> list[FoundPane]:
    if odd := _ODD.search(name):
        rename = shlex.join(["tmux", "rename-session", "-t", f"={name}", "NAME"])
        raise SessionError(
            f"The tmux session {name} has {odd[0]} in its name, which tmux reads as something else. Give it another.\n"
            f"Run: {rename}"
        )
    panes, mark = found_tmux.read_panes(name), found_tmux.read_mark(name)
    if mark and Path(mark) not in owners:
        raise SessionError(f"The tmux session {name} belongs to the session at {mark} already.\nRun: inv session.list")
    return panes


def _pane_of(talk: live.Live, panes: Iterable[FoundPane]) -> str:
    """Return the pane in which the conversation *talk* is open; empty for none of *panes*."""
    import psutil

    shells = {each.pid: each.id for each in panes}
    try:
        process = psutil.Process(talk.pid)
        return next((shells[each.pid] for each in (process, *process.parents()) if each.pid in shells), "")
    except psutil.Error:
        return ""


def _only(inside: Sequence[live.Live]) -> str:
    """Return the id of the only conversation that is open in the tmux session; empty if there is none."""
    if len(inside) > 1:
        listed = ", ".join(f"{each.identity} in {each.directory}" for each in inside)
        raise SessionError(f"Several conversations are open in it. Choose one with --conversation: {listed}")
    return inside[0].identity if inside else ""


def _place(
    wanted: Wanted, panes: Sequence[FoundPane], identity: str, talk: live.Live | None, repository: Repository
) -> Path:
    """Return the worktree for a new session: the one that is named, or that the tmux session or conversation is in."""
    if wanted.worktree:
        return taken.find_place(wanted.worktree, repository)
    begun = _directory(identity, talk)
    directories = [each.directory for each in panes] or ([begun] if begun else [])
    around = [place for _entry, place in worktrees.linked_worktrees(repository) if place.is_dir()]
    places = {
        place
        for place in around
        for each in directories
        if Path(os.path.realpath(each)).is_relative_to(os.path.realpath(place))
    }
    if len(places) == 1:
        return taken.find_place(str(places.pop()), repository)
    what = f"the tmux session {wanted.tmux}" if wanted.tmux else f"the conversation {identity}"
    fact = "in several worktrees" if places else "in no worktree of this repository"
    more = f"\nFor a copy of it in a new session, run: inv session.add NAME --continue-from {identity}"
    raise SessionError(
        f"{what[0].upper()}{what[1:]} is {fact}. Name the worktree with --worktree."
        f"{more if identity and not panes and not places else ''}"
    )


def _directory(identity: str, talk: live.Live | None) -> Path | None:
    """Return where the conversation *identity* was begun, or is open; None if that is not known."""
    if talk:
        return Path(talk.directory)
    return next((place for file in _files(identity) if (place := transcripts.directory_of(file))), None)


def _files(identity: str) -> list[Path]:
    if not hooks.is_conversation_id(identity):
        return []
    files = (live.config_directory(Agent()) / "projects").glob(f"*/{identity}.jsonl")
    return [file for file in files if transcripts.is_usable(file)]


def _check_conversation(
    identity: str, talk: live.Live | None, place: Path, session: Session | None, repository: Repository
) -> None:
    """Raise `SessionError` unless Claude Code can continue the conversation *identity* in *place*."""
    if not (talk or _files(identity)):
        projects = live.config_directory(Agent()) / "projects"
        raise SessionError(f"No conversation {identity!r} in {projects}.\nList them: claude --resume")
    for name, row in registry.read_registry(repository).items():
        if row.get("conversation") == identity and (session is None or session.name != name):
            raise SessionError(f"Session {name} has the conversation {identity}.\nRun: inv session.attach {name}")
    directory = _directory(identity, talk)
    if directory is not None and os.path.realpath(directory) != os.path.realpath(place):
        at = "" if session else f" --worktree {shlex.quote(str(place))}"
        raise SessionError(
            f"The conversation {identity} was begun in {directory}, and Claude Code continues it only there, not in"
            f" {place}.\nFor a copy of it in a session, run: inv session.add NAME{at} --continue-from {identity}"
        )
