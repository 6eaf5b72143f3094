"""What `add` would make: every decision and every refusal, before any effect."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from .. import git, linked, ports, registry
from ..config.placeholders import expand
from ..conversations import conversation
from ..errors import SessionError
from ..machine import places, tools
from ..model import Repository, Session
from ..presets import PRESETS
from ..request import Request
from ..settings import Settings
from . import assignment, branching, composing, contents, names, numbering

_LONGEST_PROMPT = 100_000  # the system takes no argument of 128 KiB


def plan(asked: Request, settings: Settings, repository: Repository, held: set[int]) -> Session:
    """Return the session that is *asked* for, complete, with ports that are neither in *held* nor in use.

    Raises `SessionError` for everything that can be known to be in the way.
    """
    names.check(asked.name)
    assignment.check(asked, settings)
    tools.require_tmux()
    facts, chosen = _place(asked, settings, repository, held, registry.rows(repository))
    now = datetime.now().astimezone()
    session = Session(
        name=asked.name, slug=facts["slug"], repository=repository, worktree=Path(facts["worktree"]),
        branch=facts["branch"], ports=chosen, tmux=f"{names.slug(facts['project'])}-{facts['slug']}",
        state="adding", project=facts["project"], preset=settings.preset, created=now.isoformat(timespec="seconds"),
        conversation=conversation.new_id(), prompt=_prompt(asked, settings), adopts=asked.adopts,
        **_branch(facts["branch"], asked, settings, repository),
        **contents.decide(settings, facts, chosen, repository), **assignment.decide(asked, settings, facts, now),
    )  # fmt: skip
    return replace(session, compose=composing.decide(asked, settings, session))


def _branch(branch: str, asked: Request, settings: Settings, repository: Repository) -> dict[str, Any]:
    """Return what is decided about *branch*; only the base that nobody but the preset named may be missing."""
    unasked = not asked.base and settings.base == PRESETS[settings.preset]["base"]
    decided = branching.decide(branch, asked.base or settings.base, repository, elsewhere=unasked)
    return {**decided, **({"start": asked.start} if asked.start else {})}


def numbered(
    asked: Request, settings: Settings, repository: Repository, held: set[int], take: Callable[[str], bool]
) -> Request:
    """Return *asked* with the first id as its name that nothing is in the way of, and that could be taken.

    Raises `SessionError` with an example when there is none.
    """
    rows, known, first = registry.rows(repository), git.branches(repository), ""
    for number in numbering.IDS:
        candidate = replace(asked, name=number)
        try:
            facts, _ports = _place(candidate, settings, repository, held, rows)
            if not asked.branch:
                branching.refuse_present(facts["branch"], known, repository)
        except SessionError as error:
            first = first or str(error)
        else:
            if take(number):
                return candidate
    raise SessionError(f"no id from {numbering.IDS[0]} to {numbering.IDS[-1]} is free; the first one: {first}")


def _place(
    asked: Request, settings: Settings, repository: Repository, held: set[int], rows: Mapping[str, registry.Row]
) -> tuple[dict[str, str], dict[str, int]]:
    """Return what placeholders stand for in the session that is *asked* for, and its ports; git is not asked."""
    refuse_taken(asked.name, names.slug(asked.name), rows, repository)
    facts = _names(asked, settings, repository)
    facts["branch"] = asked.branch or expand(settings.branch, facts, "branch")
    names.check_branch(facts["branch"])
    facts["worktree"] = str(_worktree(expand(settings.worktree, facts, "worktree"), repository))
    own = {port for row in rows.values() for port in ports.in_row(row).values()}
    chosen = numbering.ports_of(asked.name, settings, held | own)
    return {**facts, **{key: str(port) for key, port in chosen.items()}}, chosen


def _names(asked: Request, settings: Settings, repository: Repository) -> dict[str, str]:
    return {
        "name": asked.name, "slug": names.slug(asked.name), "main": str(repository.main),
        "project": contents.project(settings, repository),
        "date": datetime.now().astimezone().strftime(settings.date), "component": asked.component,
        "profile": asked.profile,
    }  # fmt: skip


def _prompt(asked: Request, settings: Settings) -> str:
    if asked.prompt and not any(window.get("claude") for window in settings.windows):
        raise SessionError("a prompt needs a window with `claude: true`, and none is configured")
    if "\0" in asked.prompt or len(asked.prompt.encode(errors="replace")) > _LONGEST_PROMPT:
        raise SessionError(
            f"the prompt is longer than {_LONGEST_PROMPT} bytes, or no text; put it in a file that the prompt names"
        )
    return asked.prompt


def refuse_taken(name: str, slug: str, rows: Mapping[str, registry.Row], repository: Repository) -> None:
    """Raise `SessionError` when a session of *rows* has that name, or a slug that is the same directory."""
    key = places.key(repository)
    for other, row in rows.items():
        if other == name and row.get("state", "ready") != "ready":
            raise SessionError(f"session {name} is {row['state']}: unfinished; to undo it: inv session.remove {name}")
        if other == name:
            raise SessionError(
                f"session {name} exists; to go on in it: inv session.resume {name}, or choose another NAME"
            )
        if key(names.slug(other)) == key(slug):
            raise SessionError(
                f"{name} and the session {other} would share the directory name {slug}; choose another NAME"
            )


def _worktree(configured: str, repository: Repository) -> Path:
    path = Path(os.path.normpath(repository.main / Path(configured).expanduser()))
    path = path.parent.resolve() / path.name  # as git and every program in it will call it
    if os.path.lexists(path):
        raise SessionError(f"{path} exists; the worktree needs a new directory: move it away or choose another NAME")
    if any(places.same(recorded, path) for _entry, recorded in linked.worktrees(repository)):
        raise SessionError(f"git still has a worktree at {path}, which is gone; to forget it: git worktree prune")
    ancestor = next(parent for parent in path.parents if parent.exists())
    if not os.access(ancestor, os.W_OK):
        raise SessionError(f"{ancestor} is not writable; configure another `worktree`")
    return path
