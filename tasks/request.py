"""What a person asks of `add` and agrees to in `remove`, beyond what is configured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """What a person asks `add` for, beyond what is configured; empty means: as configured."""

    name: str  # empty where sessions are numbered: the first free id
    base: str = ""
    branch: str = ""
    component: str = ""
    profile: str = ""
    template: str = ""  # of its entry in the work log
    issue: str = ""
    eta: str = ""
    mode: str = ""  # what of the compose file is to run: "docker" or "native"
    without: str = ""  # services that are left out, with commas between them
    start: str = ""  # the commit after which its own work begins
    adopts: str = ""  # a commit of uncommitted work to begin with
    prompt: str = ""  # what the conversation begins with


@dataclass(frozen=True)
class Removal:
    """What a person agrees to, or wants kept, when a session is removed."""

    force: bool = False
    keep_branch: bool = False
    keep_volumes: bool = False
