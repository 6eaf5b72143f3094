"""A task of `session` that runs on the host that has the session, in as few connections as it can."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..config.settings import Settings
from ..errors import SessionError
from ..model import Repository
from ..store import host_cache, names
from ..system import progress, signals, terminal
from . import add, based, choose, find, host, remote_run
from .host import Host
from .remote_run import end_as

__all__ = ["Call", "end_as", "require_own", "run_task"]

_ENDING = ("remove", "stop")  # what nobody does to the session of somebody else without being asked
_OF_SESSIONS = ("remove", "run", "send")  # what is nothing to do on a host that has none
_WHOLE_HOSTS = ("resume", "doctor", "prune")  # which mean everything where no session is named


class Call(NamedTuple):
    """The task *name* with what was chosen for its parameters, as *words* for `inv`, and for *own* options of ours."""

    name: str
    choices: dict[str, Any]
    words: Callable[[dict[str, Any]], list[str]]
    own: dict[str, Any]
    answers: bool = True  # whether what it prints there is our answer

    @property
    def only(self) -> str:
        """The host that was named."""
        return str(self.own.get("host", ""))

    @property
    def agrees(self) -> bool:
        """Whether a question has been answered with yes."""
        return bool(self.own.get("yes") or self.choices.get("yes"))

    @property
    def is_everywhere(self) -> bool:
        """Whether it is about all sessions of a host, or of every host."""
        is_whole = self.name in _WHOLE_HOSTS or bool(self.choices.get("merged"))
        return bool(self.choices.get("all")) or (not self.session and is_whole)

    @property
    def session(self) -> str:
        """The session's name."""
        return str(self.choices.get("old" if self.name == "rename" else "name", ""))


def run_task(call: Call, settings: Settings, repository: Repository) -> int:
    """Run the task of *call*, and return its exit code there."""
    if call.name == "add":
        wish = choose.Wish(call.session, call.only, str(call.own.get("label", "")), bool(call.choices.get("dry_run")))
        place, code = add.add_session(call.choices, call.words, wish, settings, repository)
        if not code:
            add.finish_add(call.choices, place, settings, repository)
        return code
    if call.is_everywhere:
        return _run_everywhere(call, settings, repository)
    if call.session:
        names.check_name(call.session)
    if call.name == "rename":
        return _run_rename(call, str(call.choices.get("new", "")), settings, repository)
    if call.name == "restore":
        return _restore(call, settings, repository)
    if call.name == "sync":
        return _sync(call, settings, repository)
    if call.name in _ENDING:
        place, row = find.find_elsewhere(call.session, settings, repository, call.only)
        require_own(call, row, repository)
        code = _run_there(call, place)
        if not code and call.name == "remove" and not call.choices.get("dry_run"):
            host_cache.note_host_of_session(repository, call.session)
        return code
    return _run_first(call, settings, repository)


def _run_rename(call: Call, new: str, settings: Settings, repository: Repository) -> int:
    """Rename the session on its host, unless another machine has one of the name *new*; return the exit code there."""
    if not (call.session and new):
        raise SessionError("Which name?\nRun: inv fleet.rename OLD NEW")
    names.check_name(new)
    holders, answers = find.find_holders(call.session, settings, repository, call.only)
    question = "survey plain" if call.choices.get("dry_run") else choose.claim_question(new, repository)
    taken, claimed = find.find_holders(new, settings, repository, question=question)
    places = [place for place, _row in holders or taken]  # a rename that was interrupted is finished there
    if len(places) != 1:
        raise find.unclear_host(call.session, holders, answers)
    if not places[0].destination:
        raise SessionError(f"Session {call.session} is on this machine.\nRun: inv session.rename {call.session} {new}")
    if others := [place.name for place, _row in taken if place != places[0]]:
        raise SessionError(f"{others[0]} has a session {new} already. Choose another name.\nRun: inv fleet.list")
    answered = {place: each for place, each in claimed.items() if not isinstance(each, SessionError)}
    choose.refuse_claimed(new, choose.clone_token(repository), answered)
    code = _run_there(call, places[0])
    find.survey_hosts(places, settings, repository)
    return code


def _run_everywhere(call: Call, settings: Settings, repository: Repository) -> int:
    """Run the task for all sessions of one host, or of each, and return the worst exit code."""
    places = [host.host_called(call.only, settings)] if call.only else host.configured_hosts(settings)
    if call.choices.get("json") and len(places) > 1:
        raise SessionError(
            f"--json shows one host at a time.\nRun: inv fleet.{call.name} --json --host {places[0].name}"
        )
    surveyed = find.survey_hosts(places, settings, repository)
    silent = [answer for _place, answer in surveyed if isinstance(answer, SessionError)]
    rows = {place: answer["sessions"] for place, answer in surveyed if not isinstance(answer, SessionError)}
    for reason in silent:
        progress.notice(str(reason))
    chosen = [place for place in rows if rows[place] or call.name not in _OF_SESSIONS]
    if not (chosen or silent):
        raise SessionError("No host has a session.\nRun: inv fleet.list")
    for name, row in ((name, row) for place in chosen for name, row in rows[place].items()):
        if call.name in _ENDING:  # all of them before the first one ends
            require_own(call._replace(choices={**call.choices, "name": name}), row, repository)
    worst = int(bool(silent))
    for place in chosen:
        if len(places) > 1:
            progress.tell(place.name, f"inv session.{call.name}")
        worst = max(worst, _run_there(call, place))
    if call.name == "remove":
        find.survey_hosts(chosen, settings, repository)  # which remembers it
    return worst


def _restore(call: Call, settings: Settings, repository: Repository) -> int:
    """Restore a session on the host that has a saved copy of it, and remember that it is there."""
    place = find.find_removed(call.session, settings, repository, call.only)
    code = _run_there(call, place)
    if not code:
        find.survey_hosts([place], settings, repository)
    return code


def _sync(call: Call, settings: Settings, repository: Repository) -> int:
    """Bring what the base of a session is here to its host, and sync the session there."""
    place, row = find.find_elsewhere(call.session, settings, repository, call.only, tells=True)
    if not call.choices.get("abort"):
        with signals.signals_raised():
            based.bring_base(call.session, place, row, settings, repository)
    return _run_there(call, place)


def _run_first(call: Call, settings: Settings, repository: Repository) -> int:
    """Run the task on the host that is named or remembered, which says whether it has the session, or on another."""
    known = "" if call.only else find.remembered_host(call.session, settings, repository)
    if (call.only and call.only != host.HERE) or known:
        place = host.host_called(call.only or known, settings)
        find.wake_host(place, settings, repository)
        code = _run_there(call, place, call.session if known else "")
        if code != remote_run.ABSENT:
            return code
    place, _row = find.find_elsewhere(call.session, settings, repository, call.only)
    return _run_there(call, place)


def _run_there(call: Call, place: Host, session: str = "") -> int:
    arguments = call.words(call.choices)
    reads = call.name == "run" and not call.is_everywhere
    if reads and remote_run.is_terminal():
        return remote_run.run_in_terminal(place, arguments, session)
    return remote_run.run_on_host(place, arguments, reads=reads, answers=call.answers, session=session)


def require_own(call: Call, row: Mapping[str, Any], repository: Repository) -> None:
    """Ask before the session of somebody else ends; raises `SessionError` where that was not answered with yes."""
    owner, own = row.get("owner", ""), choose.owner_name(repository)
    if not owner or owner == own or call.agrees or call.choices.get("dry_run"):
        return
    fact = f"{call.session} belongs to {owner}, not to you ({own})."
    what = "Remove" if call.name == "remove" else "Stop"
    if terminal.can_ask() and sys.stdin.isatty() and terminal.ask_consent(f"{fact} {what} it?"):
        return
    raise SessionError(f"{fact} Ask {owner} first.\n{what} it anyway: {terminal.command_with_consent()}")
