"""What runs where a session is and where it goes: its archive, which removal knows how to fill, without the removal."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import uuid
from typing import IO, Any

from .. import choosing, git, lifecycle, records, registry, work
from ..archives import archive, archiving, keeping
from ..errors import SessionError
from ..machine import activation, atomic, panes
from ..model import Repository, Session
from ..planning import removal
from ..request import Removal
from . import translation
from .sent import files


def pack(name: str) -> dict[str, Any]:
    """End what runs of the session *name*, make its archive, and return what describes it; all else stays.

    After a failure it runs again if it did.
    """
    repository = choosing.here()
    session = ready(name, repository)
    ran = bool(panes.observe(session))
    try:
        lifecycle.stop(session)  # now nothing is written any more
        return {**packed(session, repository), "ran": ran}
    except BaseException:
        if ran:
            lifecycle.resume([session])
        raise


def packed(session: Session, repository: Repository) -> dict[str, Any]:
    """Make the archive of *session* and return what describes it."""
    name = session.name
    with registry.alone(repository, name):
        saved = archiving.keep(removal.plan(session, Removal(force=True)))
    if saved is None:
        raise SessionError(f"{name} has no worktree; to remove what is left of it: inv session.remove {name}")
    facts = _complete(saved, session)
    found = activation.default(repository.main, session.project)
    return {
        "slug": session.slug, "created": session.created, "at": saved.directory.name, "main": str(repository.main),
        "home": os.path.expanduser("~"), "files": digests(saved),
        "found": session.activate == found, "reference": saved.reference,
        "commit": git.commit(repository, saved.reference),
        "containers": session.compose is not None,
        "head": facts["head"], "branch": facts["head_branch"], "present": [*facts["files"], *facts["raw"]],
    }  # fmt: skip


def ready(name: str, repository: Repository) -> Session:
    """Return the session *name*; raises `SessionError` when it is not whole or not ours."""
    row = registry.rows(repository).get(name)
    if row is None or row.get("state", "ready") != "ready":
        raise SessionError(f"session {name} is {row['state'] if row else 'gone'}; to see it: inv session.list")
    return of_row(name, row, repository)


def of_row(name: str, row: registry.Row, repository: Repository) -> Session:
    """Return the session of *row*; raises `SessionError` when it is not ours."""

    def foreign() -> Any:
        raise SessionError(f"the row of {name} is another tool's, which says too little to move it")

    return records.session(name, row, repository, foreign)


def _complete(saved: archive.Archive, session: Session) -> dict[str, Any]:
    """Add what the main checkout has just so: that of the other machine may differ. Return the facts."""
    kept = set(saved.facts["files"])
    wanted = {*saved.facts["same"], *session.copy} - kept
    facts = {**saved.facts, "same": []}
    facts["files"] = [*saved.facts["files"], *keeping.keep(session, saved.directory / "files", wanted)]
    atomic.write(saved.directory / "row.json", json.dumps(facts, indent=2) + "\n", mode=0o600)
    return facts


def digests(saved: archive.Archive) -> dict[str, str]:
    """Return the digest of each file of *saved* by its path, but for the row, which is translated."""
    found = {}
    for directory, names, entries in os.walk(saved.directory):
        links = [name for name in names if os.path.islink(os.path.join(directory, name))]
        for path in (os.path.join(directory, name) for name in (*entries, *links)):
            if path != str(saved.directory / "row.json"):
                found[os.path.relpath(path, saved.directory)] = files.digest(path)
    return found


def kept(slug: str, at: str) -> archive.Archive:
    """Return the archive *at* of a session, whether it is there or not."""
    directory = archive.top(choosing.here()) / slug / at
    return archive.Archive(directory, {"name": slug})


def pour(slug: str, at: str, stream: IO[bytes]) -> None:
    """Write the archive to *stream*."""
    files.pack(stream, [("archive", str(kept(slug, at).directory))])


def take(sent: dict[str, Any], stream: IO[bytes]) -> dict[str, str]:
    """Make the archive that *sent* describes from *stream*, for this machine, and return its digests."""
    repository, target = choosing.here(), kept(sent["slug"], sent["at"])
    scratch = repository.private / f"incoming-{uuid.uuid4().hex}"
    scratch.mkdir(parents=True, mode=0o700)
    try:
        files.unpack(stream, str(scratch))
        taken = scratch / "archive"
        facts = json.loads((taken / "row.json").read_text())
        facts["row"] = {**translation.translated(facts["row"], sent, repository), "moved": sent["at"]}
        atomic.write(taken / "row.json", json.dumps(facts, indent=2) + "\n", mode=0o600)
        target.directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        taken.rename(target.directory)
    except (OSError, tarfile.TarError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SessionError(f"the session could not be taken here: {reason}; nothing was changed") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return digests(target)


def look(name: str, present: list[str]) -> dict[str, Any]:
    """Return where the session *name* stands: its commit, its branch, and which of *present* its worktree lacks."""
    session = ready(name, choosing.here())
    done = work.of(session)
    missing = [path for path in present if not os.path.lexists(session.worktree / path)]
    return {"head": done.head, "branch": done.branch, "missing": missing}
