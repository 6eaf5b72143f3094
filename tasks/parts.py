"""The parts of a session that are values of their own: windows, containers, the assistant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_CONFIG = "~/.claude"
RULES = ".claude/settings.local.json"  # in a worktree: what its conversation may do unasked


@dataclass(frozen=True)
class Window:
    """One window of the tmux session; of *run*, *type* and *claude* at most one is set.

    *directory* is relative to the worktree; *run* is executed, *type* is typed and left at the prompt. Without the
    file *needs* in that directory the window is left out.
    """

    name: str
    directory: str = ""
    run: str = ""
    type: str = ""
    claude: bool = False
    needs: str = ""

    def missing(self, worktree: Path) -> str:
        """Return what *worktree* lacks for it; empty for nothing."""
        if not (worktree / self.directory).is_dir():
            return self.directory
        return self.needs if self.needs and not (worktree / self.directory / self.needs).exists() else ""


@dataclass(frozen=True)
class Compose:
    """The containers of a session: the compose *file* in its worktree, and what of it runs under which *project* name.

    *services* are to run, those in *once* to their end. *found* names the volumes and networks of that project that
    were there before the session: they are never removed with it.
    """

    file: str
    project: str
    mode: str
    profiles: tuple[str, ...]
    services: tuple[str, ...]
    without: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    wait: float = 60  # seconds that they may take until they are ready
    keeps_volumes: bool = False  # whether the removal that is going on leaves them


@dataclass(frozen=True)
class Agent:
    """What talks in the window that is `claude: true`: *command* with *args*."""

    command: str = "claude"
    args: tuple[str, ...] = ()
    note: str = ""  # what it is told about its session: a template
    notify: str = ""  # the command that runs when it begins to wait
    config: str = ""  # where its conversations are: CLAUDE_CONFIG_DIR at `add`; empty in older rows

    @property
    def is_claude(self) -> bool:
        """Whether it is Claude Code, whose flags and files we know."""
        return Path(self.command).name == "claude"
