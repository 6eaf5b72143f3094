"""What `add` would make, and everything that it refuses or warns of."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ..claude import launch
from ..config.placeholders import expand_placeholders
from ..config.presets import PRESETS
from ..config.schema import Formula
from ..config.settings import Settings
from ..errors import SessionError, quote_text
from ..model import Repository, Request, Session
from ..store import names, ports, registry
from ..system import activation, files
from ..system.progress import notice
from ..tools import git, tmux, worktrees
from . import branch as plan_branch
from . import contents

_SHOWN = 3
IDS = tuple(f"{number:03}" for number in range(1, 1000))
_LAST = 65535


class Checked(NamedTuple):
    """A request that nothing spoke against: the *slug* of its name, and the registry's *rows* when it was checked."""

    request: Request  # without a name where the first free number is to be chosen
    slug: str
    rows: Mapping[str, registry.Row]


def check_request(request: Request, settings: Settings, repository: Repository) -> Checked:
    """Return *request*, checked. Raises `SessionError` for what can be refused before anybody waits for anything."""
    check_numbered_name(request.name, settings)
    contents.check_assignment(request, settings)
    if settings.activate is None:  # asking Poetry takes a second, which no lock should wait for
        activation.default_activation(repository.main, contents.project_name(settings, repository))
    checked = Checked(request, names.slug_of(request.name), registry.read_registry(repository))
    if request.name:
        refuse_taken_name(request.name, checked.slug, checked.rows)
    return checked


def check_numbered_name(name: str, settings: Settings) -> None:
    """Raise `SessionError` unless *name* can name a session of a project with these *settings*."""
    if not settings.numbered:
        if not name:
            raise SessionError("A new session needs a NAME.\nRun: inv session.add feature/login")
        names.check_name(name)
    elif name and name not in IDS:
        raise SessionError(
            f"{quote_text(name)} is not a session number. This project numbers its sessions from 001 to 999.\n"
            "For the first free number, run: inv session.add"
        )


def fetch_configured_base(request: Request, settings: Settings, repository: Repository) -> None:
    """Fetch what *request* will begin with, if that is configured."""
    if settings.fetch == "background":
        from ..tools import background_fetch

        background_fetch.begin_fetch(request.base or settings.base, repository)
    elif settings.fetch:
        from ..tools import fetch

        fetch.fetch_base(request.base or settings.base, repository)


def warn_before_add(checked: Checked, settings: Settings, repository: Repository) -> None:
    """Print warnings; most of them only where a work log is kept."""
    request, rows = checked.request, checked.rows
    if settings.work_log:
        changes = () if request.adopts else _uncommitted(settings, repository)  # those are what it begins with
        for line in (*changes, *_other_sessions(request, rows), *_taken_ports(settings, repository, rows)):
            notice(line)
    elif not rows:  # with the first session a person learns why a port is not the one that was configured
        for line in _ports_of_strangers(settings):
            notice(line)


def _uncommitted(settings: Settings, repository: Repository) -> Iterator[str]:
    log = f":(exclude,top,literal){settings.work_log['file']}"
    question = ("--no-optional-locks", "status", "--porcelain", "--", ":/", log)
    paths = [line[3:] for line in git.read_git(repository.main, *question, check=False).splitlines()]
    if paths := [path for path in paths if path != registry.registry_path(repository).name]:
        more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
        examples = ", ".join(paths[:_SHOWN])
        yield f"The main checkout has uncommitted changes, which the session won't have: {examples}{more}."


def _other_sessions(request: Request, rows: Mapping[str, registry.Row]) -> Iterator[str]:
    alive = {name: row for name, row in rows.items() if not row.get("merged")}
    if alive:
        listed = (f"{name} ({about})" if (about := _about(row)) else name for name, row in sorted(alive.items()))
        yield f"Other sessions: {', '.join(listed)}."
    claimed = [name for name, row in sorted(alive.items()) if row.get("component") == request.component != ""]
    if claimed:
        yield f"Component {request.component} is already claimed by {', '.join(claimed)}."


def _about(row: registry.Row) -> str:
    parts = [row.get("component"), "paused" if row.get("paused") else ""]
    return ", ".join(str(part) for part in parts if part)


def _taken_ports(settings: Settings, repository: Repository, rows: Mapping[str, registry.Row]) -> Iterator[str]:
    if isinstance(settings.ports, Formula):  # no other port is tried
        return
    holders = {port: f"session {name}" for name, row in rows.items() for port in ports.ports_in_row(row).values()}
    elsewhere = ports.ports_held_elsewhere(repository) if settings.ports else set()
    for key, first in settings.ports.items():
        owner = holders.get(first) or ("a session of another repository" if first in elsewhere else "")
        if owner:
            yield _taken_port(key, first, owner)
    yield from _ports_of_strangers(settings, explained={*holders, *elsewhere})


def _ports_of_strangers(settings: Settings, explained: Collection[int] = ()) -> Iterator[str]:
    if isinstance(settings.ports, Formula):
        return
    for key, first in settings.ports.items():
        if first not in explained and not ports.is_port_free(first):
            from ..system import listening

            yield _taken_port(key, first, listening.who_listens(first))


def _taken_port(key: str, port: int, owner: str) -> str:
    return f"Port {port} is taken by {owner}. {key} will be another."


def ports_of(name: str, settings: Settings, other_ports: set[int]) -> dict[str, int]:
    """Return the ports of the session *name*; by formula they are its number's, or those of the first free number.

    Raises `SessionError` with the reason when they are in *other_ports*, in use, or no ports.
    """
    formula = settings.ports
    if not isinstance(formula, Formula):
        return ports.choose_ports(formula, other_ports)
    if own := int(name) if re.fullmatch(r"[0-9]{1,3}", name) else 0:
        if reason := _obstacle(formula.ports(own), other_ports, _listener):
            raise SessionError(f"Session {name} can't have its ports: {reason}. Choose another number.")
        return formula.ports(own)
    free = (formula.ports(int(number)) for number in IDS if not _obstacle(formula.ports(int(number)), other_ports, str))
    numbers = next(free, None)
    if numbers is None:
        raise SessionError(f"No number from {IDS[0]} to {IDS[-1]} has all of its ports free (setting ports).")
    return numbers


def _obstacle(numbers: Mapping[str, int], other_ports: set[int], user: Callable[[int], str]) -> str:
    """Return why a session cannot have the ports *numbers*, with the *user* of one; empty when it can."""
    for key, port in numbers.items():
        if port > _LAST:
            return f"{key} would be {port}, above the highest port, {_LAST}"
        if port in other_ports:
            return f"{key} {port} belongs to another session, here or on a host"
        if not ports.is_port_free(port):
            return f"{key} {port} is in use by {user(port)}"
    return ""


def _listener(port: int) -> str:
    from ..system import listening

    return next((str(listener) for listener in listening.listeners_on({port})[port]), "another program")


_LONGEST_PROMPT = 100_000  # the system takes no argument of 128 KiB


def plan_session(checked: Checked, settings: Settings, repository: Repository, other_ports: set[int]) -> Session:
    """Return the session that was *checked*, complete, with ports that are neither in *other_ports* nor in use.

    Raises `SessionError` for everything that can be known to be in the way.
    """
    request = checked.request
    if not request.bare:
        tmux.require_tmux()
    facts, own_ports = _place(checked, settings, repository, other_ports)
    now = datetime.now().astimezone()
    parts = {
        **_branch(facts["branch"], request, settings, repository),
        **contents.decide_contents(settings, facts, own_ports, repository),
    }
    parts["link"] += tuple(path for path in parts.pop("lacks") if path not in parts["link"])
    session = Session(
        name=request.name, slug=checked.slug, repository=repository, worktree=Path(facts["worktree"]),
        branch=facts["branch"], ports=own_ports,
        state="adding", project=facts["project"], preset=settings.preset, created=now.isoformat(),
        prompt=_prompt(request, settings), adopts=request.adopts, forks=request.forks, bare=request.bare,
        **_existing(request, repository, checked.slug, facts["project"]), **parts,
        **contents.decide_assignment(request, settings, facts, now),
    )  # fmt: skip
    if not (settings.compose or request.mode or request.without):
        return session
    from . import compose

    return session._replace(compose=compose.decide_compose(request, settings, session))


def _existing(request: Request, repository: Repository, slug: str, project: str) -> dict[str, Any]:
    """Return the tmux session and conversation, new ones or those that exist already.

    And for a worktree that exists, where that is kept which `add` changes in it.
    """
    own = {"tmux": request.tmux or contents.tmux_name(project, slug)}
    own["conversation"] = request.conversation or launch.new_conversation_id()
    if not request.worktree:
        return own
    from ..store import old_copies

    return {**own, "taken": str(old_copies.new_directory(repository, slug))}


def _branch(branch: str, request: Request, settings: Settings, repository: Repository) -> dict[str, Any]:
    """Return what is decided about *branch*; its base may be missing only if it is the preset's default."""
    if request.worktree:
        from . import taken

        return taken.decide_taken(request, settings, repository)
    unasked = not request.base and settings.base == PRESETS[settings.preset]["base"]
    decided = plan_branch.decide_branch(branch, request.base or settings.base, repository, elsewhere=unasked)
    return {**plan_branch.called_facts(), **decided, **({"start": request.start} if request.start else {})}


def with_number(
    checked: Checked, settings: Settings, repository: Repository, other_ports: set[int], take: Callable[[str], bool]
) -> Checked:
    """Return *checked* with the first id as its name that nothing is in the way of, and that could be taken.

    Raises `SessionError` with an example when there is none.
    """
    branches, reason = git.list_branches(repository), ""
    for number in IDS:
        candidate = checked._replace(request=checked.request._replace(name=number), slug=number)
        try:
            facts, _ports = _place(candidate, settings, repository, other_ports)
            if not checked.request.branch:
                plan_branch.refuse_present(facts["branch"], branches, repository)
        except SessionError as error:
            reason = reason or str(error)
        else:
            if take(number):
                return candidate
    raise SessionError(f"No number from {IDS[0]} to {IDS[-1]} is free. {IDS[0]}: {reason}")


def _place(
    checked: Checked, settings: Settings, repository: Repository, other_ports: set[int]
) -> tuple[dict[str, str], dict[str, int]]:
    """Return what placeholders stand for in the session that was *checked*, and its ports; git is not asked."""
    request, rows, facts = checked.request, checked.rows, _facts(checked, settings, repository)
    refuse_taken_name(request.name, checked.slug, rows)
    facts["branch"] = request.branch or expand_placeholders(settings.branch, facts, "branch")
    names.check_branch(facts["branch"])
    if request.worktree:
        worktree = Path(request.worktree)
    else:
        worktree = contents.worktree_path(settings, facts, repository)
        _refuse_place(worktree, repository)
    facts["worktree"] = str(worktree)
    neighbours = {port for row in rows.values() for port in ports.ports_in_row(row).values()}
    own_ports = ports_of(request.name, settings, other_ports | neighbours)
    return {**facts, **{key: str(port) for key, port in own_ports.items()}}, own_ports


def _facts(checked: Checked, settings: Settings, repository: Repository) -> dict[str, str]:
    request = checked.request
    return {
        "name": request.name, "slug": checked.slug, "main": str(repository.main),
        "project": contents.project_name(settings, repository),
        "date": datetime.now().astimezone().strftime(settings.date), "component": request.component,
        "profile": request.profile, "agent": request.agent,
    }  # fmt: skip


def _prompt(request: Request, settings: Settings) -> str:
    if request.prompt and not any(window.get("claude") for window in settings.windows):
        raise SessionError("--prompt needs a window with `claude: true`, and none is configured.")
    if "\0" in request.prompt or len(request.prompt.encode(errors="replace")) > _LONGEST_PROMPT:
        raise SessionError(
            f"The prompt is longer than {_LONGEST_PROMPT} bytes, or not text. Put it in a file, and name that in it."
        )
    return request.prompt


def refuse_taken_name(
    name: str, slug: str, rows: Mapping[str, registry.Row], key: Callable[[str], str] = str.casefold
) -> None:
    """Raise `SessionError` when a session of *rows* has that name, or a directory with the same *key*."""
    for other, row in rows.items():
        if other == name and row.get("state", "ready") != "ready":
            raise SessionError(f"Session {name} is unfinished ({row['state']}).\nUndo: inv session.remove {name}")
        if other == name:
            raise SessionError(
                f"Session {name} already exists. Choose another NAME, or open it.\nRun: inv session.attach {name}"
            )
        slugs = (names.slug_of(other), str(row.get("slug", "")))  # one that was renamed has both
        if key(slug) in map(key, slugs):  # in any case, by default: it may move to a disk where that doesn't matter
            case = name.casefold() == other.casefold()
            fact = "differ only in upper and lower case" if case else f"would have the same directory name, {slug}"
            raise SessionError(f"{name} and session {other} {fact}. Choose another NAME.")


def _refuse_place(path: Path, repository: Repository) -> None:
    """Raise `SessionError` when no worktree can be made at *path*."""
    if os.path.lexists(path):
        raise SessionError(
            f"{path} already exists. The worktree needs a new directory: move it away, or choose another NAME."
        )
    if any(files.is_same_place(recorded, path) for _entry, recorded in worktrees.linked_worktrees(repository)):
        raise SessionError(f"Git still lists a worktree at {path}, which no longer exists.\nRun: git worktree prune")
    ancestor = next(parent for parent in path.parents if parent.exists())
    if not os.access(ancestor, os.W_OK):
        raise SessionError(f"{ancestor} is not writable. Change the setting worktree.")


def preview_add(request: Request, settings: Settings, repository: Repository, quiet: bool = False) -> Session:
    """Return the session that `add` would make now, without claiming anything; *quiet* prints no warnings."""
    checked = check_request(request, settings, repository)
    if not quiet:
        warn_before_add(checked, settings, repository)
    other_ports = ports.ports_held_elsewhere(repository)
    if not request.name:
        checked = with_number(checked, settings, repository, other_ports, lambda _name: True)
    return plan_session(checked, settings, repository, other_ports)


def plan_claimed(
    checked: Checked, settings: Settings, repository: Repository, other_ports: set[int], until: ExitStack
) -> Session:
    """Return the session that was *checked*, beside the sessions of this moment.

    Nobody else is at a number that is chosen for it *until* that is left.
    """
    checked = checked._replace(rows=registry.read_registry(repository))
    if not checked.request.name:
        take = partial(registry.try_session_lock, repository, until=until)
        checked = with_number(checked, settings, repository, other_ports, take)
    return plan_session(checked, settings, repository, other_ports)
