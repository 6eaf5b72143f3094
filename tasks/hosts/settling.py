"""What ends a move, on the machine that it concerns: the session leaves here, or what came of it is taken back."""

from __future__ import annotations

import json
from typing import Any

from .. import choosing, git, lifecycle, registry
from ..archives import archive
from ..machine import locks, panes
from ..request import Removal
from . import handing


def leave(name: str, slug: str, at: str, created: str, keep_volumes: bool) -> dict[str, bool]:
    """Remove the session whose archive *at* arrived whole; return whether it is gone because of this very move.

    It is not when somebody else moved it elsewhere or removed it: then the archive is still here.
    """
    repository, saved = choosing.here(), handing.kept(slug, at)
    with locks.held(repository.private / f"leaving-{slug}.lock"):
        row = registry.rows(repository).get(name, {"created": None})
        if row.get("created", "") == created:
            doomed = handing.of_row(name, row, repository)
            lifecycle.remove(doomed, Removal(force=True, keep_volumes=keep_volumes))
        ours = row.get("created", "") == created or not saved.directory.exists()
        archive.drop(repository, saved)
    return {"left": ours}


def discard(name: str, slug: str, at: str) -> None:
    """Take back what the move *at* made here: its archive, and the session if it came with that."""
    repository, saved = choosing.here(), handing.kept(slug, at)
    with registry.alone(repository, name):  # a restoring that was not told of the end finishes first
        row = registry.rows(repository).get(name, {})
    if row.get("moved") == at:
        again = lifecycle.remove(handing.of_row(name, row, repository), Removal(force=True))
        if again is not None:
            archive.drop(repository, again)
    archive.drop(repository, saved)


def left(name: str, at: str) -> dict[str, Any]:
    """Describe the session that a move which was cut off left here, as `pack` does; nothing if it was used since."""
    repository = choosing.here()
    session = handing.ready(name, repository)
    before = handing.kept(session.slug, at)
    if panes.observe(session) or not (before.directory / "row.json").exists():
        return {}
    now = handing.packed(session, repository)
    facts = json.loads((before.directory / "row.json").read_text())
    after = handing.kept(session.slug, now["at"])
    try:
        trees = [git.read(repository.main, "rev-parse", f"{each.reference}^{{tree}}") for each in (before, after)]
        same = trees[0] == trees[1] and facts["head"] == now["head"] and handing.digests(before) == now["files"]
    finally:
        archive.drop(repository, after)
    return {**now, "at": at} if same else {}
