"""What a session may be called, and what follows from it."""

import re

from ..errors import SessionError, quote_text
from ..system.patterns import late_pattern

_LONGEST = 100
_ALLOWED = late_pattern(r"[A-Za-z0-9._/-]+")


def slug_of(name: str) -> str:
    """Return *name* for directories and tmux sessions: with - for all but letters, digits, _ and -."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)


def check_name(name: str) -> None:
    """Raise `SessionError` with the reason unless *name* can name a session."""
    if reason := _fault(name):
        shown = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"
        raise SessionError(
            f"Invalid name {quote_text(shown)}: {reason}.\n"
            f"Use letters, digits and - _ . / and begin with a letter or digit, for example {_nearest(name)}."
        )


def _nearest(name: str) -> str:
    """Return a valid name like *name*, as of a title with spaces."""
    nearest = re.sub(r"[^A-Za-z0-9._/]+", "-", name)[:_LONGEST].strip("-_./")
    return "feature/login" if _fault(nearest) else nearest


def check_branch(branch: str) -> None:
    """Raise `SessionError` unless *branch* is a valid name for git and every shell."""
    if branch.startswith("refs/"):  # git would make a second branch, refs/heads/refs/heads/x
        short = branch.removeprefix("refs/heads/")
        raise SessionError(f"{quote_text(branch)} is the full name of a ref. Name the branch alone: --branch {short}")
    if reason := _fault(branch, longest=200):
        raise SessionError(f"Invalid branch name {quote_text(branch)}: {reason}.\nCheck `branch` in the configuration.")


def _fault(name: str, longest: int = _LONGEST) -> str:
    parts, odd = name.split("/"), _ALLOWED.sub("", name)
    faults = {
        "it is empty": not name,
        f"it is longer than {longest} characters": len(name) > longest,
        "it must begin with a letter or digit": not re.match(r"[A-Za-z0-9]", name),
        f"it has a character that is not allowed, {quote_text(odd[:1])}": odd,
        "it contains '..'": ".." in name,
        "a part between slashes is empty": "" in parts,
        "a part begins with a dot": any(part.startswith(".") for part in parts),
        "a part ends with '.lock'": any(part.endswith(".lock") for part in parts),
        "it ends with a dot": name.endswith("."),
        "git keeps HEAD for itself": name == "HEAD",
    }
    return next((reason for reason, holds in faults.items() if holds), "")
