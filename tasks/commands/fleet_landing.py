"""Sessions on hosts that are merged or proposed from here: their branch is pulled, their checks run there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from invoke.context import Context

from ..config.settings import Settings
from ..errors import SessionError
from ..hosts import based, branches, call, find, move, remote_run
from ..hosts import host as hosts_host
from ..hosts.host import Host
from ..integrate import merge, pull_request
from ..model import Repository, Session
from ..status import fleet_conflicts, merge_order
from ..store import names
from ..system import caller, progress, signals
from ..tools import git
from . import report, selection
from .command import answer, answer_done, as_json, fail_with


class Place(NamedTuple):
    """A session on a host, as this machine knows it: its name, its *host*, and its row there."""

    name: str
    host: Host
    row: dict[str, Any]


class Merging(NamedTuple):
    """How sessions are merged, and what a person agreed to."""

    how: merge.How
    agrees: bool  # whether the session of somebody else may be removed
    json: bool


def merge_one(place: Place, merging: Merging, settings: Settings, repository: Repository) -> dict[str, Any]:
    """Pull the branch of *place*, merge it here once its checks have passed there, and return what was done."""
    if merging.how.removes:
        call.require_own(_removal(place, merging), place.row, repository)
    existed = bool(git.resolve_commit(repository, f"refs/heads/{place.row['branch']}"))
    session, head = _pulled(place, repository)
    verify = partial(based.verify_there, place.name, place.host, repository)
    with _in_fleet_words(), _told_conflict(place, repository), _told_merged(place, settings, repository):
        landed = merge.merge_branch(session, head, merging.how, verify)
    text = caller.fleet_words(landed.text, remote_run.IN_FLEET)
    if not merging.json:
        answer_done(text)
    _note_merged(place, landed, head, session.base, repository)
    record = {"name": place.name, "host": place.host.name, "branch": session.branch, "into": landed.into}
    record |= {"commit": landed.commit, "message": text}
    if not merging.how.removes:
        return record
    if call.run_task(_removal(place, merging._replace(agrees=True)), settings, repository):
        raise SessionError(f"Merged {place.name}, but it wasn't removed.\nRun: inv fleet.remove {place.name}")
    if not existed:  # the pull made it; git refuses where it is checked out by now
        git.read_git(repository.main, "branch", "--quiet", "-D", session.branch, check=False)
    return {**record, "removed": True}


def _note_merged(place: Place, landed: merge.Landed, head: str, base: str, repository: Repository) -> None:
    """Have the host know that the session is merged: its removal then loses nothing."""
    try:
        with signals.signals_held():
            based.bring_commit(place.host, landed.commit, repository)
            based.send_base(place.name, place.host, landed.commit, tip=head, into=landed.into, based=base)
    except SessionError as error:
        progress.notice(f"{place.host.name} doesn't know that {place.name} is merged: {error}")


def merge_everything(
    c: Context, name: str, only: str, merging: Merging, repository: Repository, settings: Settings
) -> None:
    """Merge every session on the hosts, or on the host *only*; end with why it stopped."""
    if name:
        raise SessionError(f"--all means every session. Leave out {name}, or --all.")
    sessions = selection.list_sessions(c, repository)
    records, failures = _merge_all(only, merging, settings, repository, sessions)
    if merging.json:
        answer(as_json(records))
    fail_with(failures)


def _merge_all(
    only: str, merging: Merging, settings: Settings, repository: Repository, sessions: list[Session]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Sync, verify and merge every session on a host, the least overlap first; return what was done, why it stopped.

    *sessions* are those here, with which they may overlap. Only the host *only* counts, if that is given.
    """
    meetings = fleet_conflicts.find_fleet_conflicts(settings, repository, sessions)
    waiting = sorted(
        _places(only, settings, repository),
        key=lambda each: (*merge_order.weigh_overlap(each.name, meetings), each.name),
    )
    records = list[dict[str, Any]]()
    while waiting:
        place, *waiting = waiting
        try:
            _sync(place, settings, repository)
            records.append(merge_one(place, merging, settings, repository))
        except merge.NothingToMergeError as error:
            progress.notice(str(error))
        except SessionError as error:
            return records, [report.stopped_text(place.name, records, [each.name for each in waiting], error)]
    return records, []


def _places(only: str, settings: Settings, repository: Repository) -> list[Place]:
    hosts = [hosts_host.host_called(only, settings)] if only else hosts_host.configured_hosts(settings)
    places = []
    for host, told in find.survey_hosts(hosts, settings, repository):
        if isinstance(told, SessionError):
            raise SessionError(f"{told}\nNothing was merged.\nRun: inv fleet.merge --all --host HOST")
        find.tell_versions({host: told})
        places += [Place(name, host, find.check_row(host, row)) for name, row in told["sessions"].items()]
    return places


def _sync(place: Place, settings: Settings, repository: Repository) -> None:
    """Sync the session of *place* there; what stops in a conflict is aborted."""
    with signals.signals_raised():
        based.bring_base(place.name, place.host, place.row, settings, repository)
    words = [*move.handover_words("sync"), f"--name={place.name}"]
    if remote_run.run_on_host(place.host, words, answers=False):
        raise SessionError(f"{place.name} couldn't be synced on {place.host.name}.\nRun: inv fleet.sync {place.name}")


def _removal(place: Place, merging: Merging) -> call.Call:
    words = ["session.remove", f"--name={place.name}"]
    own = {"host": place.host.name, "yes": merging.agrees}
    return call.Call("remove", {"name": place.name}, lambda _choices: words, own, answers=not merging.json)


def propose_one(place: Place, words: pull_request.Words, repository: Repository) -> dict[str, Any]:
    """Pull the branch of *place*, push it once its checks have passed there, and return what was done."""
    session, head = _pulled(place, repository)
    verify = partial(based.verify_there, place.name, place.host, repository)
    with _in_fleet_words():
        text = pull_request.propose_commit(session, head, words, verify)
    message = caller.fleet_words(text, remote_run.IN_FLEET)
    return {"name": place.name, "host": place.host.name, "branch": session.branch, "commit": head, "message": message}


def _pulled(place: Place, repository: Repository) -> tuple[Session, str]:
    """Bring the branch of *place* here, and return what the session is here, with its commit."""
    branch = place.row["branch"]
    with signals.signals_raised(), progress.tell_step("pull", f"{branch} from {place.host.name}"):
        here = hosts_host.this_machine(repository)
        brought = branches.pull_branch(repository, here, place.host, branch, place.name)
    if brought.state == "ahead":
        raise SessionError(
            f"{branch} here has commits that aren't on {place.host.name}, where its checks run."
            f"\nRun: inv fleet.push {place.name}"
        )
    base = str(place.row.get("based") or place.row.get("base", ""))
    slug = names.slug_of(place.name)
    return Session(place.name, slug, repository, repository.main, branch, {}, "", base=base), brought.commit


@contextmanager
def _in_fleet_words() -> Iterator[None]:
    """Have a failure name the commands that are typed for a session on a host."""
    try:
        yield
    except SessionError as error:
        error.message = caller.fleet_words(str(error), remote_run.IN_FLEET)
        raise


@contextmanager
def _told_merged(place: Place, settings: Settings, repository: Repository) -> Iterator[None]:
    """Have the host know of a merge that was made by hand, or killed before it could be noted there."""
    try:
        yield
    except merge.NothingToMergeError:
        based.bring_base(place.name, place.host, place.row, settings, repository)
        raise


@contextmanager
def _told_conflict(place: Place, repository: Repository) -> Iterator[None]:
    """Say of a conflict how it is resolved on the host, which gets the commit for that."""
    try:
        yield
    except merge.MergeConflictError as error:
        based.bring_commit(place.host, error.onto, repository)
        by_hand = f"inv fleet.run {place.name} 'git merge {error.onto[:12]}'"
        fact = str(error).splitlines()[0]
        error.message = f"{fact}\nResolve that on {place.host.name} and commit it.\nRun: {by_hand}"
        raise
