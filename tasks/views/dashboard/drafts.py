"""What a person fills in to add a session, and which field it was that the task refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...model import Repository

# By field: how the messages of `add` begin that are about what stands there; all others are about the name.
_FAULTS = {
    "base": r"No such branch or commit: |--base",
    "component": r"No component |--component",
    "agent": r"No agent |--agent",
    "prompt": r"The prompt is |--prompt",
}


class Choices(NamedTuple):
    """What the form offers, as the configuration of a repository has it."""

    components: Sequence[str] = ()
    agents: Sequence[str] = ()
    base: str = ""


class Draft(NamedTuple):
    """What was filled in by field, for which repository, and why the task refused it."""

    repository: Repository
    values: Mapping[str, str] = {}
    error: str = ""

    @property
    def name(self) -> str:
        """The name, which sessions with numbers need not have."""
        return self.values.get("name", "")

    @property
    def words(self) -> list[str]:
        """The arguments of `session.add`."""
        options = [f"--{key}={value}" for key, value in self.values.items() if value and key != "name"]
        name = f"--name={self.name}" if self.name.startswith("-") else self.name  # a typed name is not an option
        return [*([name] if name else []), *options]

    @property
    def fault(self) -> str:
        """The field to correct."""
        lines = [line.removeprefix("Error: ") for line in self.error.splitlines()]
        faults = (field for line in lines for field, words in _FAULTS.items() if re.match(words, line))
        return next(faults, "name")

    @property
    def needs_approval(self) -> bool:
        """Whether it was refused for want of a person's approval."""
        return "--yes" in self.error
