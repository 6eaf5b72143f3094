"""Removing a session, and what a person is told of it."""

from __future__ import annotations

import shlex
from pathlib import Path

from .. import compose, lifecycle
from ..conversations import granting
from ..model import Session
from ..request import Removal
from . import parted


def remove(session: Session, how: Removal, inside: Path) -> str:
    """Remove *session* and return the answer, for a person whose directory was *inside*."""
    saved = lifecycle.remove(session, how)
    granting.mention(saved, session.repository)
    back = shlex.quote(str(Path.cwd()))
    moved = f"\nthis directory went with it: cd {back}" if inside.is_relative_to(session.worktree) else ""
    return parted.gone(session, saved, compose.left(session)) + moved
