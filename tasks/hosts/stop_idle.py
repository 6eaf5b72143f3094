"""Machines that nobody uses: what could be stopped, and what stops them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple

from ..config.settings import Settings
from ..errors import SessionError
from ..model import Repository
from ..store import host_cache
from ..system import progress, shell
from . import choose, host, move, reach, ssh
from .host import Host

_STOPPING = 600.0  # seconds in which the command has to end
_AT_ONCE = 8
_DAY = 24 * 3600.0
_BUSY = ("working", "waiting", "unknown")  # of a Claude


class Look(NamedTuple):
    """What a machine is used for: the *reasons* why it can't be stopped, its sessions that run, and since when."""

    place: Host
    reasons: list[str]
    running: list[str]
    since: float = 0.0

    def record(self, stopped: bool) -> dict[str, Any]:
        """Return it as JSON has it."""
        since = datetime.fromtimestamp(self.since).astimezone().isoformat(timespec="seconds") if self.since else ""
        facts = {"host": self.place.name, "stopped": stopped, "reasons": self.reasons, "running": self.running}
        return {**facts, "since": since}


def stoppable_hosts(only: str, settings: Settings) -> list[Host]:
    """Return the hosts that are stopped when they are idle; raises `SessionError` when there is none."""
    places = [host.host_called(only, settings)] if only else host.configured_hosts(settings)
    found = [each for each in places if each.stop_idle]
    if not found:
        which = f"{only} doesn't have" if only else "No host has"
        example = "session: {hosts: {devbox: {stop: cloud stop devbox, stop_idle: 2h}}}"
        raise SessionError(
            f"{which} the settings stop and stop_idle.\nAdd them to ~/.invoke.yaml, for example: {example}"
        )
    return found


def look_at_hosts(places: list[Host], agrees: bool, repository: Repository) -> list[Look]:
    """Return what each of *places* is used for. None of them is started for that."""
    owner = choose.owner_name(repository)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda each: _look(each, "" if agrees else owner), places))


def _look(place: Host, owner: str) -> Look:
    """Return what *place* is used for; with an *owner*, sessions of somebody else keep it running."""
    try:
        used = move.call_handover(place, "use", f"--seconds={place.stop_idle}", seconds=ssh.QUESTION)
    except SessionError as error:
        return Look(place, [str(error).splitlines()[0].removeprefix(f"{place.name}: ").rstrip(".")], [])
    others = sorted({each for each in used["owners"].values() if owner and each and each != owner})
    said = [" ".join(each.split()) or "for a reason that it doesn't name" for each in used["reasons"]]
    reasons = [*said, *(f"it has sessions of {each} (--yes stops it anyway)" for each in others)]
    since = used["since"] if 0 < used["since"] < time.time() + _DAY else 0.0  # else nobody could read it
    return Look(place, reasons, used["running"], since)


def stop_machine(look: Look, repository: Repository) -> None:
    """Run the command that stops the machine; its sessions end as by a reboot."""
    place = look.place
    with progress.tell_step("stop", f"{place.name}: {place.stop}"):
        shell.run_bounded(_STOPPING, "sh", "-c", place.stop, env=shell.clean_environment())
    reach.close_connection(place)  # a command would wait for it as long as for a slow line
    host_cache.note_silence(repository, {place.name: f"{place.name}: stopped, because nobody used it"})


def advise_stops(answers: Mapping[str, dict[str, Any] | SessionError], settings: Settings) -> Iterator[str]:
    """Yield what could be stopped, as far as what the hosts said of their sessions shows it."""
    for place in host.configured_hosts(settings):
        answer = answers.get(place.name)
        if not place.stop_idle or answer is None or isinstance(answer, SessionError):
            continue
        quiet, busy = answer.get("quiet", 0.0), any(each["claude"] in _BUSY for each in answer["listed"])
        if not busy and quiet >= place.stop_idle:
            hours, minutes = divmod(int(quiet / 60), 60)
            age = f"{hours}h" if hours else f"{minutes}m"
            yield f"Nobody used {place.name} for {age}. Stop it: inv fleet.stop-idle"


def told_look(look: Look, dry: bool) -> str:
    """Return what was done about a machine, or why nothing."""
    name = look.place.name
    if look.reasons:
        return f"{name} stays on: {'; '.join(look.reasons)}."
    at = f", idle since {time.strftime('%Y-%m-%d %H:%M', time.localtime(look.since))}" if look.since else ""
    count = len(look.running)
    ran = f"{count} running session{'s' * (count != 1)}{at}" if count else "no running session"
    if dry:
        return f"Would stop {name} ({ran})."
    return f"Stopped {name} ({ran}).\nStart again: inv fleet.resume --host {name}"
