"""Moving a session to another host: it goes only after it is whole there."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..config.settings import Settings
from ..errors import Interrupted, SessionError
from ..model import Repository
from ..store import host_cache
from ..system import progress, shape, signals
from ..system.caller import Caller
from ..tools import git
from . import branches, choose, find, host, remote_run, ssh
from .host import Host


class Route(NamedTuple):
    """Where a session is and where it goes; *came* is the archive that it came with if it is there as well."""

    source: Host
    target: Host
    base: str  # what it is called here
    ports: tuple[int, ...] = ()  # those that other sessions of the fleet have
    came: str = ""


def plan_route(name: str, target: Host, settings: Settings, repository: Repository) -> Route:
    """Return the route of the session *name* to *target*.

    Raises `SessionError` when that does not answer or has no room, and when none or several others have the session.
    """
    holders, answers = find.find_holders(name, settings, repository)
    answer = answers.get(target)
    if isinstance(answer, SessionError):
        raise answer
    arrivals = [row for host, row in holders if host == target]
    others = [(host, row) for host, row in holders if host != target]
    if arrivals and not others:
        raise SessionError(f"{name} is already on {target.name}.")
    if not holders:
        raise find.unclear_host(name, holders, answers)
    if len(others) > 1 or (arrivals and not arrivals[0].get("moved")):
        raise SessionError(on_both(name, [host for host, _row in holders]))
    if answer is not None and not arrivals:
        choose.hosts_with_room({target: answer})
    for each in answers.values():
        if isinstance(each, SessionError):
            progress.notice(str(each))
    room = {host: each for host, each in answers.items() if not isinstance(each, SessionError)}
    find.tell_versions({host: room[host] for host in room if host in (target, others[0][0])})
    base = others[0][1].get("based") or others[0][1].get("base", "")
    taken = choose.ports_of_fleet(room, repository, without=name)
    return Route(others[0][0], target, base, taken, arrivals[0]["moved"] if arrivals else "")


def on_both(name: str, hosts: Sequence[Host]) -> str:
    """Return what is said when *hosts* have a session *name* each."""
    ways = "\nOr: ".join(removal_command(name, host) for host in hosts)
    places = ", ".join(host.name for host in hosts)
    return f"{name} is on several machines: {places}. Remove all but one.\nRun: {ways}"


def removal_command(name: str, host: Host) -> str:
    """Return the command that removes the session *name* from *host*."""
    return f"inv fleet.remove {name} --host {host.name}" if host.destination else f"inv session.remove {name}"


def handover_words(task: str) -> tuple[str, ...]:
    """Return how `inv` is told the *task* of the handover, which no collection of `inv --list` has."""
    if (__package__ or "").startswith("tasks."):
        return ("--search-root", "tasks/hosts", "--collection", "handover", task)
    return (f"handover.{task}",)  # the installed package adds it to the collection when it is asked for


_SENT = (
    "slug at main home worktree common found branches based conversation kept_by".split()
)  # what the target has to know
_LAST_WORDS = 60  # seconds for a program to end that has nothing more to send
_TEXTS = "slug created at main home worktree common reference head branch staged".split()
_ARCHIVE = {
    **dict.fromkeys(_TEXTS, shape.TEXT), **dict.fromkeys(("found", "containers"), shape.SWITCH),
    "branches": shape.TEXT_TABLE, **dict.fromkeys(("conversation", "kept_by"), shape.TEXT),
}  # fmt: skip
_NOTHING = shape.plain_form("nothing", lambda value: value == {})
_PARTS = shape.either_form(shape.list_form(shape.fields_form({})), shape.fields_form({}))
_ANSWERS = {
    "pack": shape.fields_form({**_ARCHIVE, "ran": shape.SWITCH}), "discard": _PARTS,
    "take": shape.fields_form({"digest": shape.TEXT, "note": shape.TEXT}),
    "base": _NOTHING,
    "left": shape.either_form(_NOTHING, shape.fields_form({**_ARCHIVE, "arrived": shape.TEXT})),
    "leave": shape.fields_form({"left": shape.SWITCH, "changed": shape.SWITCH}),
    "use": shape.fields_form({
        "reasons": shape.TEXTS, "owners": shape.TEXT_TABLE, "running": shape.TEXTS, "since": shape.NUMBER
    }),
    "look": shape.fields_form(dict.fromkeys(("head", "branch", "staged"), shape.TEXT)),
}  # fmt: skip


def call_handover(
    host: Host, task: str, *arguments: str, data: ssh.Data | None = None, sources: Sequence[ssh.Popen] = (),
    seconds: float = ssh.WORK,
) -> Any:  # fmt: skip
    """Return the answer of a *task* of the handover on *host*; *data* writes what it reads, from *sources*."""
    output = ssh.ask_program(host, [*host.inv, *handover_words(task), *arguments], data, seconds, sources)
    return ssh.parse_answer(host, output.decode(errors="replace"), _ANSWERS[task])


def leave_source(name: str, packed: dict[str, Any], source: Host, target: Host, finishing: bool) -> None:
    """Remove the session from *source*, where the archive of its removal still keeps it for a while.

    Raises `SessionError` when it is still there, or another command moved or removed it in the meantime.
    """
    if packed["containers"]:
        progress.notice(f"The volumes of its containers are not moved. They stay on {source.name}.")
    sent = json.dumps({key: packed[key] for key in ("slug", "at", "created", "arrived", "containers")})
    try:
        with progress.tell_step("remove", f"{name} on {source.name}"):
            answer = call_handover(source, "leave", f"--name={name}", f"--sent={sent}")
    except SessionError as error:
        progress.notice(str(error))
        raise SessionError(
            f"{name} is on {target.name}, and may still be on {source.name}, too.\n"
            f"Run: inv fleet.move {name} --host {target.name}"
        ) from None
    if answer["changed"]:
        undo_move(name, packed, source, target)
        again = f"inv fleet.move {name} --host {target.name}"
        raise SessionError(
            f"Files of {name} changed on {source.name} while it was moved, so it stays there.\nRun: {again}"
        )
    if not answer["left"] and not finishing:
        _discard(name, packed, target)
        raise SessionError(f"Another command moved or removed {name} in the meantime.\nRun: inv fleet.list")


def undo_move(name: str, packed: dict[str, Any], source: Host, target: Host) -> None:
    """Undo a move: the session stays on *source*, and *target* is cleaned up, if they can be reached."""
    failed = False
    if packed:
        _discard(name, packed, target)
        try:
            with progress.show_busy("undo", f"on {source.name}"):
                call_handover(source, "discard", f"--name={name}", *_archive(packed))
        except SessionError as error:
            fact = f"Notes of the move are left on {source.name}: {error}"
            progress.notice(f"{fact}\nRun there: inv session.doctor --fix")
        if packed.get("ran"):
            failed = bool(remote_run.run_on_host(source, ["session.start", f"--name={name}"], answers=False))
    fact = f"{name} is still on {source.name}"
    progress.notice(f"{fact}, but couldn't be started again.\nRun: inv fleet.list" if failed else f"{fact}.")


def _discard(name: str, packed: dict[str, Any], target: Host) -> None:
    try:
        with progress.show_busy("undo", f"on {target.name}"):
            call_handover(target, "discard", f"--name={name}", *_archive(packed))
    except SessionError as error:
        progress.notice(
            f"{error}\nIf {name} is on {target.name} now, remove it there.\nRun: {removal_command(name, target)}"
        )


def _archive(packed: dict[str, Any]) -> tuple[str, str]:
    return f"--slug={packed['slug']}", f"--at={packed['at']}"


def read_left(name: str, route: Route) -> dict[str, Any]:
    """Return what is on the source since a move was cut off, as it was packed then.

    Raises `SessionError` when it was used since: which of the two is wanted, nobody knows.
    """
    with progress.tell_step("compare", f"{name} on {route.source.name} with what was sent"):
        packed: dict[str, Any] = call_handover(route.source, "left", f"--name={name}", f"--at={route.came}")
        if not packed:
            raise SessionError(on_both(name, (route.source, route.target)))
    return packed


def move_session(name: str, route: Route, repository: Repository) -> str:
    """Make the session *name* of the *route*'s source on its target, remove it there, and return what was done.

    A failure before the target has all of it leaves it on the source as it was; its servers run again if they did.
    What a move that was cut off left on both is finished.
    """
    source, target = route.source, route.target
    with signals.signals_raised():
        if route.came:
            packed = read_left(name, route)
            check_arrival(name, packed, target)
            progress.notice(f"An earlier move was interrupted. {target.name} has all of {name}: finishing the move.")
        else:
            packed = _carried(name, route, repository)
        with signals.signals_held():
            leave_source(name, packed, source, target, finishing=bool(route.came))
    host_cache.note_host_of_session(repository, name, target.name if target.destination else "")
    where, attach = (f"on {target.name}", "fleet") if target.destination else ("here", "session")
    return f"Moved {name}: it is {where} now.\nAttach: inv {attach}.attach {name}"


def _carried(name: str, route: Route, repository: Repository) -> dict[str, Any]:
    packed: dict[str, Any] = {}
    both = [each.name for each in (route.source, route.target) if each.destination]
    host_cache.note_host_of_session(repository, name, *both)  # so that neither is asked alone until it is on one
    try:
        with progress.tell_step("stop", f"{name} on {route.source.name}"):
            packed = call_handover(route.source, "pack", f"--name={name}")
        _carry(name, packed, route, repository)
        return packed
    except BaseException:
        with signals.signals_held():
            undo_move(name, packed, route.source, route.target)
        raise


def _carry(name: str, packed: dict[str, Any], route: Route, repository: Repository) -> None:
    """Bring commits and files to the target, restore the session there, and look whether it is all there."""
    source, target = route.source, route.target
    with progress.tell_step("commits", f"to {target.name}"):
        try:
            packed["based"] = _carry_commits(packed, route, repository)
        finally:
            _forget(packed, source, target, repository)
    with progress.tell_step("files", f"to {target.name}"):
        packed["arrived"] = f"{_carry_files(name, packed, source, target)} {packed['staged']}"
    words = ["session.restore", f"--name={name}", f"--at={packed['at']}", "--yes"]
    code = remote_run.run_on_host(
        target, words, answers=False, caller=Caller(ports=route.ports, still=not packed["ran"])
    )
    if code == 128 + signal.SIGINT:
        raise Interrupted(signal.SIGINT)
    if code:
        raise SessionError(f"{target.name} couldn't restore {name} (exit code {code}).")
    check_arrival(name, packed, target)


def check_arrival(name: str, packed: dict[str, Any], target: Host) -> None:
    """Raise `SessionError` unless the session on *target* is what was *packed*."""
    answer = call_handover(target, "look", f"--name={name}")
    if different := [key for key in ("head", "branch", "staged") if answer[key] != packed[key]]:
        raise SessionError(
            f"{name} on {target.name} is different from what it was on the other host ({', '.join(different)}).\n"
            f"Remove one of the two, for example: {removal_command(name, target)}"
        )


def _carry_commits(packed: dict[str, Any], route: Route, repository: Repository) -> dict[str, str]:
    """Bring the session's commits to the target, and return what its base is called there.

    A branch that is our base is a commit there: the branch of that name on a host is somebody else's to move.
    """
    source, target, reference = route.source, route.target, packed["reference"]
    if reference and source.destination:
        branches.transfer_refs(repository, source, "fetch", f"+{reference}:{reference}")
    known = git.resolve_commit(repository, route.base) if route.base else ""
    refs = [f"+{reference}:{reference}"] if reference else []
    refs += [f"+{known}:refs/tally/base/{known}"] if known else []
    if refs and target.destination:
        branches.transfer_refs(repository, target, "push", *refs)
    if not known:
        return {}
    return {"base": known, "based": route.base} if target.destination else {"base": route.base, "based": ""}


def _carry_files(name: str, packed: dict[str, Any], source: Host, target: Host) -> str:
    """Send all files of the session to the target, and return the digest of what arrived."""
    argv = [*source.inv, *handover_words("pour"), f"--name={name}", *_archive(packed)]
    pouring = ssh.start_relay(source, argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert pouring.stdout is not None and pouring.stdin is not None
    stream, printed = pouring.stdout, ssh.Collected(pouring, streams=(pouring.stderr,))

    sent = json.dumps({key: packed[key] for key in _SENT if key in packed})
    with pouring:
        try:
            arrived = call_handover(
                target, "take", f"--sent={sent}", data=lambda reader: reader.copy(stream), sources=(pouring,)
            )
        except SessionError as error:
            arrived = error
            stream.close()  # it ends when it can't write any more
        (stderr,) = printed.wait(source, _LAST_WORDS)
    if pouring.returncode:  # then only a part arrived, whatever the other end reports
        raise ssh.ssh_failure(source, pouring.returncode, stderr.decode(errors="replace"))
    if isinstance(arrived, SessionError):
        raise arrived
    if arrived["note"]:
        progress.notice(f"{target.name}: {arrived['note']}")
    return str(arrived["digest"])


def _forget(packed: dict[str, Any], source: Host, target: Host, repository: Repository) -> None:
    """Drop the commits here that were only passing through."""
    if packed["reference"] and host.HERE not in (source.name, target.name):
        git.read_git(repository.main, "update-ref", "-d", packed["reference"], check=False)
