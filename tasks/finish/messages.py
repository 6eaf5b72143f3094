"""What a session's commits say, as the words for all of them together."""

from __future__ import annotations

from .. import git
from ..model import Session


def of(session: Session, head: str, base: str) -> tuple[str, str]:
    """Return title and body for the commits of *head* that *base* lacks: of a single one its own words."""
    said = git.read(session.repository.main, "log", "--reverse", "-z", "--format=%s%n%b", head, "--not", base)
    commits = [text.strip().partition("\n") for text in said.split("\0") if text.strip()]
    if not commits:
        return session.name, ""
    if len(commits) == 1:
        return commits[0][0], commits[0][2].strip()
    return commits[0][0], "\n".join(f"* {subject}" for subject, _, _ in commits)
