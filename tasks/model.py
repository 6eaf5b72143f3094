"""The values that the layers hand to each other; nothing here acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .parts import Agent, Compose, Window


@dataclass(frozen=True)
class Repository:
    """A repository: its *main* checkout and its git *common* directory, both absolute."""

    main: Path
    common: Path

    @property
    def private(self) -> Path:
        """The directory for what is ours and not the person's: locks and trash."""
        return self.common / "tally-sessions"


def environment(ports: Mapping[str, int], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a session with these *ports*: one for each, and the configured ones."""
    numbers = {key.upper(): str(port) for key, port in ports.items() if key.upper() not in variables}
    return {**variables, **numbers}


@dataclass(frozen=True)
class Session:
    """Everything that was decided about a session, complete before anything of it is made."""

    name: str
    slug: str
    repository: Repository
    worktree: Path
    branch: str
    ports: Mapping[str, int]
    tmux: str  # the tmux session's name
    state: str = "ready"  # or "adding", "removing"
    base: str = ""  # the ref that its work is measured against
    start: str = ""  # the commit that the branch began at
    tip: str = ""  # the commit that the branch must still have when it is deleted
    creates_branch: bool = True
    tracks: str = ""  # the remote branch that a new branch follows
    project: str = ""
    preset: str = ""
    created: str = ""  # ISO 8601, with offset; empty in rows that another tool wrote
    conversation: str = ""  # uuid
    component: str = ""
    scope: tuple[str, ...] = ()  # the paths and globs of its component
    profile: str = ""
    issue: str = ""
    eta: str = ""
    work_log: Mapping[str, str] = field(default_factory=dict)  # its file, its entry before and after the status
    copy: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    env_files: tuple[str, ...] = ()  # those of `env` that are wholly ours
    activate: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)  # set in every window and for setup
    setup: tuple[str, ...] = ()
    setup_done: tuple[str, ...] = ()
    verify: tuple[str, ...] = ()  # commands that must succeed before its work is merged or proposed
    merged: str = ""  # ISO 8601: when `session.merge` last did; the commit it had then, where it went and as what
    merged_tip: str = ""
    merged_into: str = ""
    merged_as: str = ""
    adopts: str = ""  # the commit of the work that it began with
    archive: str = ""  # the directory that it is restored from
    moved: bool = False  # whether that was on other ports
    windows: tuple[Window, ...] = ()
    compose: Compose | None = None
    agent: Agent = field(default_factory=Agent)
    prompt: str = ""  # what the conversation begins with; not in the row, for it is said once

    @property
    def private(self) -> Path:
        """The directory for what its conversation is started with and what that tells us."""
        return self.repository.private / "conversations" / self.slug

    @property
    def brings_work(self) -> bool:
        """Whether its branch had commits, or its worktree changes, when it was made."""
        return bool(not self.creates_branch or self.tracks or self.archive)

    @property
    def converses(self) -> bool:
        """Whether one of its windows is for a conversation."""
        return any(window.claude for window in self.windows)

    @property
    def environment(self) -> dict[str, str]:
        """The variables in each of its windows; TALLY_SESSION marks its processes as its own."""
        found = environment(self.ports, self.variables)
        if self.compose is not None:  # so that `docker compose` typed there means these containers
            file = str(self.worktree / self.compose.file)
            found |= {"COMPOSE_PROJECT_NAME": self.compose.project, "COMPOSE_FILE": file}
        return {**found, "TALLY_SESSION": str(self.worktree)}

    @property
    def setup_failed(self) -> tuple[str, ...]:
        """The setup commands that had not succeeded when the row was read."""
        return tuple(each for each in self.setup if each not in self.setup_done) if self.state == "ready" else ()

    @property
    def present_windows(self) -> tuple[Window, ...]:
        """The windows for which the worktree has all that they need; before it is made, all."""
        if not self.worktree.exists():
            return self.windows
        return tuple(window for window in self.windows if not window.missing(self.worktree))


@dataclass(frozen=True)
class Problem:
    """Something about a session that is not as it should be: the fact, why it matters, the command that mends it."""

    what: str
    why: str
    mend: str


class Resource(Protocol):
    """One thing that a session is made of; a module satisfies it."""

    def describe(self, session: Session) -> str:
        """Return in half a line what `create` makes; empty for nothing that is worth telling."""

    def create(self, session: Session) -> None:
        """Make sure it is there; what is there already stays untouched."""

    def remove(self, session: Session) -> None:
        """Leave none of it, however much exists, and touch nothing that is not ours."""

    def problems(self, session: Session) -> list[Problem]:
        """Return what is not as it should be."""
