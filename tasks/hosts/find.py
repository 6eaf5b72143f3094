"""Which host has a session: the one that is remembered is asked first, all of them only where that is not enough."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..config.settings import Settings
from ..errors import SessionError, quote_text
from ..model import Repository
from ..store import host_cache, names, registry
from ..system import progress, shape, shell, terminal
from . import group, host, reach, ssh
from .host import Host
from .remote_scripts import survey

_SKEW = 60.0  # seconds that an answer may take, by which a clock is not wrong
_WAKING, _PAUSE = 600.0, 2.0  # seconds in which a machine starts, and between two looks
_PORTS = shape.table_form(shape.COUNT)
_ROW = shape.fields_form({}, {
    **dict.fromkeys(("branch", "base", "based", "moved", "owner"), shape.TEXT), "ports": _PORTS
})  # fmt: skip
_TOLD = shape.fields_form({
    **dict.fromkeys(("name", "branch", "status", "claude"), shape.TEXT),
    **dict.fromkeys(("ahead", "behind"), shape.COUNT), "dirty": shape.SWITCH, "created": shape.MOMENT, "ports": _PORTS,
}, {"answering": shape.list_form(shape.COUNT), "owner": shape.TEXT})  # fmt: skip

Answers = dict[str, "group.Answer | SessionError"]


def survey_sessions(settings: Settings, repository: Repository) -> Answers:
    """Return by host, this machine first, the state of its sessions, or why it is unknown."""
    place = host.this_machine(repository)
    with ThreadPoolExecutor(1) as pool:
        own = pool.submit(_own, place)
        asleep = [each._replace(start="") for each in host.configured_hosts(settings)]  # a look wakes no machine
        others = ask_hosts(asleep, settings, repository, "survey list", _tell)
        return {host: _listed(host, answer) for host, answer in {place.name: own.result(), **others}.items()}


def _tell(asked: Host, answer: group.Answer | SessionError, seconds: float) -> None:
    """Tell on a terminal which host has answered: the slowest one decides when the table is there."""
    if terminal.is_live():
        fact = "no answer" if isinstance(answer, SessionError) else f"answered after {seconds:.1f} s"
        progress.tell(asked.name, fact, terminal.RED if isinstance(answer, SessionError) else terminal.GREEN)


def _with_clock(answer: group.Answer | SessionError) -> group.Answer | SessionError:
    """Return *answer* with the seconds that the clock of its host is ahead of ours, as far as that is known."""
    if isinstance(answer, SessionError) or "now" not in answer:
        return answer
    ahead = answer["now"] - time.time()
    return {**answer, "ahead": ahead if abs(ahead) > _SKEW else 0.0}


def _listed(host: str, answer: group.Answer | SessionError) -> group.Answer | SessionError:
    """Return *answer*, unless the host's tasks, of another version, describe sessions in another form."""
    if isinstance(answer, SessionError):
        return answer
    listed = answer.get("listed")
    for each in listed if isinstance(listed, list) else [listed]:
        if not shape.fits(each, _TOLD):
            return SessionError(f"{host}: unexpected answer: {each}")
    return _with_clock(answer)


def _own(place: Host) -> group.Answer | SessionError:
    try:
        answer: group.Answer = ssh.call_program(
            place, "survey", "list", *place.inv, form=group.SURVEY, seconds=ssh.QUESTION
        )
        return answer
    except SessionError as error:
        return error


Holders = list[tuple[Host, dict[str, Any]]]


def find_session(
    name: str, settings: Settings, repository: Repository, only: str = "", tells: bool = False
) -> tuple[Host, dict[str, Any]]:
    """Return the host of the session *name* and what is registered there; *only* that host is asked, if given.

    Where the tasks there are of another version, a note *tells* that.
    Raises `SessionError` when none or several have it.
    """
    place = "" if only else remembered_host(name, settings, repository)
    holders, answers = find_holders(name, settings, repository, only or place)
    if place and not holders:
        holders, answers = find_holders(name, settings, repository)
    if len(holders) != 1:
        raise unclear_host(name, holders, answers)
    for reason in _silent(answers):
        progress.notice(reason)
    if tells:
        tell_versions({place: answer for place, answer in answers.items() if place == holders[0][0]})
    return holders[0]


def remembered_host(name: str, settings: Settings, repository: Repository) -> str:
    """Return which host had the session *name* at the last look; nothing unless it was one alone, and not here."""
    known = host_cache.read_host_names(repository)
    places = [host for host, listed in known.items() if name in listed and host in settings.hosts]
    return places[0] if len(places) == 1 and name not in registry.read_registry(repository) else ""


def find_holders(
    name: str, settings: Settings, repository: Repository, only: str = "", question: str = "survey plain"
) -> tuple[Holders, dict[Host, group.Answer | SessionError]]:
    """Return who has a session *name*, each with what is registered there, and what every host that is asked says."""
    if not name:
        raise SessionError("Which session? Give a NAME.\nRun: inv fleet.list")
    answers = dict(survey_hosts(_asked(settings, only), settings, repository, question))
    holders = [
        (host, check_row(host, answer["sessions"][name]))
        for host, answer in answers.items()
        if not isinstance(answer, SessionError) and name in answer["sessions"]
    ]
    rows = registry.read_registry(repository) if only in ("", host.HERE) else {}
    return holders + ([(host.this_machine(repository), rows[name])] if name in rows else []), answers


def unclear_host(name: str, holders: Holders, answers: Mapping[Host, group.Answer | SessionError]) -> SessionError:
    """Return the error that none or several have the session *name*."""
    if not holders:
        unsure = "".join(f"\n{reason}" for reason in _silent(answers))
        return SessionError(f'No host has a session "{name}".{unsure}\nRun: inv fleet.list')
    places = ", ".join(host.name for host, _row in holders)
    came = next((host.name for host, row in holders if row.get("moved")), "")
    finish = f"\nIf a move was interrupted, finish it: inv fleet.move {name} --host {came}" if came else ""
    return SessionError(f"{name} is on several machines: {places}. Choose one with --host.{finish}")


def _silent(answers: Mapping[Host, group.Answer | SessionError]) -> list[str]:
    return [str(answer) for answer in answers.values() if isinstance(answer, SessionError)]


def find_removed(name: str, settings: Settings, repository: Repository, only: str = "") -> Host:
    """Return the host that has a saved copy of the removed session *name*; raises `SessionError` unless one has."""
    slug, answers = names.slug_of(name), dict(survey_hosts(_asked(settings, only), settings, repository))
    holders = [host for host, each in answers.items() if not isinstance(each, SessionError) and name_in(slug, each)]
    if len(holders) == 1:
        return holders[0]
    unsure = "".join(f"\n{reason}" for reason in _silent(answers))
    if not holders:
        raise SessionError(f'No host has a removed session "{name}".{unsure}\nRun: inv fleet.list')
    places = ", ".join(host.name for host in holders)
    raise SessionError(f"{name} was removed on several hosts: {places}. Choose one with --host.")


def name_in(slug: str, answer: group.Answer) -> bool:
    """Return whether a host has a saved copy of the session with *slug*."""
    return slug in answer.get("removed", [])


def check_row(host: Host, row: dict[str, Any]) -> dict[str, Any]:
    """Return what *host* registered; raises `SessionError` when git or ssh would take it for something else."""
    if shape.fits(row, _ROW):
        with suppress(SessionError):
            names.check_branch(row["branch"])
            return row
    fault = _ROW(row, "") or f"branch: {quote_text(row.get('branch'))}"  # never all of it: it has variables
    raise SessionError(f"{host.name}: its registry has a wrong value: {fault}")


def tell_versions(answers: Mapping[Host, Mapping[str, Any] | SessionError]) -> None:
    """Print a note about hosts whose tasks are others than ours."""
    ours = survey.version(str(Path(__file__).parents[2]))
    for each, answer in answers.items():
        if not isinstance(answer, SessionError) and answer.get("version", ours) != ours:
            progress.notice(
                f"The tasks on {each.name} are of another version than yours, so it may not know all of your options.\n"
                f"To bring it to your commit: inv fleet.setup {each.name}"
            )


def find_elsewhere(
    name: str, settings: Settings, repository: Repository, only: str = "", tells: bool = False
) -> tuple[Host, Any]:
    """Return the same; raises `SessionError` when it is on this machine."""
    host, row = find_session(name, settings, repository, only, tells)
    if not host.destination:
        raise SessionError(f"Session {name} is on this machine.\nRun: inv session.show {name}")
    return host, row


def _asked(settings: Settings, only: str) -> list[Host]:
    if only == host.HERE:
        return []
    return [host.host_called(only, settings)] if only else host.configured_hosts(settings)


def survey_hosts(
    hosts: list[Host], settings: Settings, repository: Repository, question: str = "survey plain", wanted: str = ""
) -> list[tuple[Host, group.Answer | SessionError]]:
    """Return what each of *hosts* has, or why it does not say; the host *wanted* gets its whole timeout."""
    answers = ask_hosts(hosts, settings, repository, question, wanted=wanted)
    return [(host, answers[host.name]) for host in hosts]


def ask_hosts(
    hosts: list[Host], settings: Settings, repository: Repository, question: str,
    heard: group.Heard = lambda *_answer: None, wanted: str = "",
) -> Answers:  # fmt: skip
    """Return by name what each of *hosts* answers, and remember it.

    Of several, those that didn't answer less than a minute ago are not asked again, except the host *wanted*.
    """
    known, seconds = host_cache.read_hosts(repository), dict[str, float]()
    dead = {each.name: known[each.name] for each in hosts if each.name in known and known[each.name].silence}
    dead = {name: each for name, each in dead.items() if len(hosts) > 1 and name != wanted}

    def note(asked: Host, answer: group.Answer | SessionError, after: float) -> None:
        seconds[asked.name] = after
        heard(asked, answer, after)

    asked = [each for each in hosts if each.name not in dead]
    if len(asked) == 1:  # without Fabric, whose import takes longer than the answer
        answers = {asked[0].name: _ask_one(asked[0], question, note)}
    else:
        before = {name: each.seconds for name, each in known.items()}
        answers = group.ask_everywhere(asked, question, note, before, wanted)
    _remember(answers, seconds, settings, repository)
    silent: Answers = {name: _still_silent(name, each) for name, each in dead.items()}
    return {each.name: {**answers, **silent}[each.name] for each in hosts}


def _still_silent(name: str, known: host_cache.Known) -> SessionError:
    reason = known.silent.splitlines()[0]
    return SessionError(f"{reason}, {known.silence:.0f} s ago.\nTo ask it again now, run a command with: --host {name}")


def _ask_one(asked: Host, question: str, note: group.Heard) -> group.Answer | SessionError:
    """Return what *asked* answers; one that can be started is started first where it doesn't."""
    answer = _asked_once(asked, question, note)
    if not (asked.start and isinstance(answer, ssh.UnreachableError)):
        return answer
    with progress.tell_step("start", f"{asked.name}: {asked.start}"):
        shell.run_bounded(_WAKING, "sh", "-c", asked.start, env=shell.clean_environment())
        until = time.monotonic() + _WAKING
        while isinstance(answer, ssh.UnreachableError) and time.monotonic() < until:
            answer = _asked_once(asked, question, note)
            time.sleep(_PAUSE if isinstance(answer, ssh.UnreachableError) else 0)
    return answer


def wake_host(place: Host, settings: Settings, repository: Repository) -> None:
    """Start *place* where it can be started and doesn't answer."""
    if place.start and not reach.is_connected(place):
        survey_hosts([place], settings, repository)


def _asked_once(asked: Host, question: str, note: group.Heard) -> group.Answer | SessionError:
    begun = time.monotonic()
    answer: group.Answer | SessionError
    try:
        answer = ssh.call_program(
            asked, *shlex.split(question), *asked.inv, form=group.SURVEY, seconds=max(asked.timeout, 1)
        )
    except SessionError as error:
        answer = error
    note(asked, answer, time.monotonic() - begun)
    return answer


def _remember(answers: Answers, seconds: Mapping[str, float], settings: Settings, repository: Repository) -> None:
    """Let Tab, `add` and the next command know which sessions there are."""
    sessions = {
        host: ({name: _port_numbers(row) for name, row in each["sessions"].items()}, seconds.get(host, 0.0))
        for host, each in answers.items()
        if not isinstance(each, SessionError)
    }
    host_cache.note_answers(repository, sessions, settings.hosts)
    silent = {host: str(each) for host, each in answers.items() if isinstance(each, ssh.SilentHostError)}
    host_cache.note_silence(repository, silent)


def _port_numbers(row: Mapping[str, Any]) -> list[int]:
    return [port for port in row.get("ports", {}).values() if shape.fits(port, shape.COUNT)]
