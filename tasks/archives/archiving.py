"""Filling the archive of a session that is removed, and giving back what it holds."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from .. import git, records, registry, work
from ..machine import atomic
from ..model import Session
from . import checkout, keeping, snapshot
from .archive import FORM, Archive, top


def keep(session: Session) -> Archive | None:
    """Keep what of *session* exists nowhere else and return it; None when there is nothing.

    The files are linked, not copied, where the file system can: they are about to lose their other name.
    """
    lost = not (session.worktree / ".git").exists()
    if lost and (not session.tip or session.state == "removing"):
        return None
    restored = Path(session.archive) / "row.json"
    half = bool(session.archive) and restored.exists()
    if half and not _whole(session).exists():  # that one is complete
        return Archive(restored.parent, json.loads(restored.read_text()))
    if session.state == "adding" and not half and (lost or not _begun(session)):
        return None
    directory = top(session.repository) / session.slug / datetime.now().strftime(FORM)
    directory.mkdir(parents=True, mode=0o700)
    try:
        if lost:
            empty: dict[str, Any] = {"head": session.tip, "head_branch": session.branch, "work": "", "hidden": {}}
            return _finished(session, directory, {**empty, "same": [], "raw": [], "files": []}, session.tip)
        return _filled(session, directory)
    except BaseException:
        shutil.rmtree(directory)
        raise


def _whole(session: Session) -> Path:
    """Return the file, gone with the worktree, that says that all was put back: since then somebody may work in it."""
    return (git.data_of(session.worktree) or session.worktree) / "tally-whole"


def _begun(session: Session) -> bool:
    """Return whether somebody already worked in a session whose add was interrupted."""
    done = work.of(session)
    return done.dirty or done.head not in ("", session.start)  # none before the checkout


def _filled(session: Session, directory: Path) -> Archive:
    done = work.of(session, ignored=True)
    work.refuse_closed(session, done)  # also those below other directories
    nested = [path.rstrip("/") for path in done.untracked if path.endswith("/")]  # git would keep no file of these
    private = keeping.private(session, done.untracked)
    apart = done.dirty or done.head != session.tip
    needed, without = checkout.heads(session), [*done.own, *nested, *private]
    commit = snapshot.take(session, done.head, without, needed) if apart or needed else ""
    hidden, untracked = snapshot.unseen(session)
    keeping.keep(session, directory / "hidden", set(hidden))
    paths = {*session.copy, *session.env, *session.link, *nested, *done.own, *done.ignored}
    paths |= {*keeping.submodules(session, directory)}
    paths = {path for path in paths if not keeping.is_ours(session, path)}
    same = {path for path in paths if keeping.is_same(session, path)}
    raw = {path for path in (*done.changed, *done.untracked) if not path.endswith("/")}
    facts: dict[str, Any] = {
        "head": done.head or git.commit(session.repository, f"{commit}^1"),
        "head_branch": done.branch,
    }
    facts |= {"work": commit, "hidden": hidden, "same": sorted(same - {*session.copy})}
    facts |= checkout.keep(session, directory, untracked)
    facts |= {"raw": keeping.keep(session, directory / "raw", raw)}  # git's filters may change what they keep
    facts |= {"files": keeping.keep(session, directory / "files", keeping.unique(paths - same))}
    return _finished(session, directory, facts, commit or session.tip or done.head)


def _finished(session: Session, directory: Path, found: dict[str, Any], commit: str) -> Archive:
    row = registry.rows(session.repository).get(session.name, records.row(session))
    if "windows" not in row and session.windows:  # another tool's: what it does not say is that of today
        row = {**records.row(session), **row}
    facts = {"name": session.name, "row": row, "tip": session.tip, **found}
    made = Archive(directory, facts)
    if commit:
        git.run(session.repository.main, "update-ref", made.reference, commit)
    atomic.write(directory / "row.json", json.dumps(facts, indent=2) + "\n", mode=0o600)  # last: now it is complete
    return made


def put_back(session: Session) -> None:
    """Give the new worktree of *session* the work and the files of the archive that it is restored from."""
    directory = Path(session.archive)
    facts = json.loads((directory / "row.json").read_text())
    if facts["head"] and facts["head_branch"] != session.branch:
        git.run(session.worktree, "checkout", "--quiet", "--detach", facts["head"])
    if facts["work"]:
        snapshot.put_back(session, facts["work"])
    checkout.put_back(session, directory, facts)
    keeping.give_back_submodules(session, directory)
    for path in facts["same"]:  # the main checkout had it just so
        if (session.repository.main / path).exists():
            keeping.give_back(session.repository.main / path, session.worktree / path)
    for kind in ("files", "raw", "hidden"):
        for path in facts[kind]:
            keeping.give_back(directory / kind / path, session.worktree / path)
    for path, flag in facts["hidden"].items():
        git.run(session.worktree, "update-index", flag, "--", path)
    _whole(session).touch()
