"""What `fleet.move` does on the machine that a session leaves, and how it takes back what it made on either."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import IO, Any

from .. import lifecycle
from ..claude import hooks
from ..errors import SessionError
from ..model import Removal, Repository, Session
from ..plan import remove
from ..store import archive, aside, registry, rows
from ..system import activation, locks, reading, rooted, shape
from ..system.rooted import Root
from ..tools import git, tmux, worktree_status
from . import handover_conversation
from .remote_scripts import files

_SENT = "sent"  # the file in an archive that says what was sent of it


def pack_session(name: str) -> dict[str, Any]:
    """Stop the session *name*, note what there is of it, and return what describes it; all of it stays.

    After a failure it is started again if it ran.
    """
    repository = git.current_repository()
    session = ready_session(name, repository)
    ran = bool(tmux.list_panes(session))
    try:
        lifecycle.stop_session(session)  # now nothing is written any more
        return {**_describe(session, repository), "ran": ran}
    except BaseException:
        if ran:
            lifecycle.resume_sessions([session])
        raise


def _describe(session: Session, repository: Repository) -> dict[str, Any]:
    """Note what a removal of *session* would move aside, without moving it, and return what describes it."""
    with registry.session_lock(repository, session.name):
        doomed, work = remove.examine_removal(session, Removal(force=True))
        if work is None:
            again = f"inv session.remove {session.name}"
            raise SessionError(f"{session.name} has no worktree, so it can't be moved.\nRun: {again}")
        worktree_status.refuse_closed(session, work)
        saved = aside.describe_worktree(doomed, aside.new_directory(session), work.dirty)
        if held := saved.facts["held"]:
            git.run_git(repository.main, "update-ref", saved.reference, held)
        sent = describe_archive(saved, session)
        _write_sent(saved, sent)
    return sent


def describe_archive(saved: archive.Archive, session: Session) -> dict[str, Any]:
    """Return what describes *session*, which is still where it was, as *saved* notes it."""
    repository, facts = session.repository, saved.facts
    default = activation.default_activation(repository.main, session.project)
    return {
        "slug": session.slug, "created": session.created, "at": saved.directory.name, "main": str(repository.main),
        "home": os.path.expanduser("~"), "worktree": facts["row"]["worktree"], "common": str(repository.common),
        "found": session.activate == default, "reference": saved.reference if facts["held"] else "",
        "containers": session.compose is not None, "branches": _branches(session, saved),
        "head": facts["head"], "branch": facts["head_branch"], "staged": digest_index(session),
        **handover_conversation.describe_conversation(session),
    }  # fmt: skip


def digest_index(session: Session) -> str:
    """Return the digest of what git's index has, with its flags; not of when it last looked at the files."""
    listed = git.read_git(session.worktree, "ls-files", "--stage", "-v", "-z")
    return hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()


def _branches(session: Session, saved: archive.Archive) -> dict[str, str]:
    """Return the other branches that the worktree, or one inside it, has checked out, with their commits."""
    trees = session.repository.common / "worktrees"
    heads = [git.read_git_file(trees / name / "HEAD") for name in (saved.facts["admin"], *saved.facts["nested"])]
    names = {head.removeprefix("ref: ") for head in heads if head.startswith("ref: ")} - {
        f"refs/heads/{session.branch}"
    }
    commits = {name: git.resolve_commit(session.repository, name) for name in sorted(names)}
    return {name: commit for name, commit in commits.items() if commit}


def ready_session(name: str, repository: Repository) -> Session:
    """Return the session *name*; raises `SessionError` when it is not whole or not ours."""
    row = registry.read_registry(repository).get(name)
    if row is None or row.get("state", "ready") != "ready":
        raise SessionError(f"Session {name} is {row['state'] if row else 'gone'}.\nRun: inv session.list")
    return session_of_row(name, row, repository)


def session_of_row(name: str, row: registry.Row, repository: Repository) -> Session:
    """Return the session of *row*; raises `SessionError` when it is not ours."""

    def foreign(*_row: Any) -> Session:
        raise SessionError(f"Another tool added {name}, and its row doesn't say enough to move it.")

    return rows.session_from_row(name, row, repository, foreign)


def archive_at(slug: str, at: str) -> archive.Archive:
    """Return the archive *at* of a session, whether it is there or not."""
    if not rooted.is_inside(f"{slug}/{at}") or "/" in f"{slug}{at}":
        raise SessionError(f"{slug}/{at} is not an archive.\nRun: inv session.list --removed")
    directory = archive.archives_directory(git.current_repository()) / slug / at
    return aside.begun_archive(directory) or archive.Archive(directory, {"name": slug})


def pour_session(name: str, slug: str, at: str, stream: IO[bytes]) -> None:
    """Write the session *name*, as the archive *at* notes it, to *stream*, and note what that held."""
    session, saved = ready_session(name, git.current_repository()), archive_at(slug, at)
    if not (sent := _read_sent(saved)):
        raise SessionError(f"{saved.directory} is gone, so the move cannot continue.\nRun: inv fleet.list")
    _write_sent(saved, {**sent, "arrived": f"{files.pack(stream, *_contents(session, saved))} {sent['staged']}"})


def _write_sent(saved: archive.Archive, facts: dict[str, Any]) -> None:
    Root(saved.directory, follows=False).write(_SENT, json.dumps(facts).encode(), mode=0o600)


def _read_sent(saved: archive.Archive) -> dict[str, Any]:
    """Return what a move noted in *saved* of what it sent; nothing when that is gone."""
    with suppress(FileNotFoundError, ValueError):
        facts = json.loads(reading.read_text(saved.directory / _SENT))
        if saved.is_whole and isinstance(facts, dict) and shape.fits(facts.get("staged"), shape.TEXT):
            return facts
    return {}


def _contents(session: Session, saved: archive.Archive) -> tuple[list[tuple[str, str]], list[str]]:
    """Return what an archive of *session* consists of, by its place in that, and what of it the other machine makes.

    git writes to its index whenever it looks at the files, so its entries are compared apart.
    """
    trees, facts = session.repository.common / "worktrees", saved.facts
    entries = [(f"archive/{name}", str(saved.directory / name)) for name in ("branch-log", "row.json")]
    entries = [each for each in entries if os.path.lexists(each[1])]
    entries += [("archive/admin", str(trees / facts["admin"]))]
    entries += [(f"archive/nested/{name}", str(trees / name)) for name in facts["nested"]]
    entries += [("archive/tree", str(session.worktree)), *handover_conversation.transcript_entries(session)]
    links = [path for path in session.link if _is_own_link(session, path)]
    return entries, [f"archive/tree/{path}" for path in links]


def _is_own_link(session: Session, path: str) -> bool:
    place = session.worktree / path
    return place.is_symlink() and os.readlink(place) == str(session.repository.main / path)


def fingerprint(session: Session, saved: archive.Archive) -> str:
    """Return what tells whether anything of *session* has changed since it was sent."""

    class Nowhere:
        def write(self, data: bytes) -> int:
            return len(data)

    return f"{files.pack(Nowhere(), *_contents(session, saved))} {digest_index(session)}"


def leave_session(name: str, sent: dict[str, Any]) -> dict[str, bool]:
    """Remove the session of which all that was *sent* has arrived; return whether it is gone because of this very move.

    It is not when another command moved or removed it: then the archive is still here. Nor when it has
    *changed* since it was sent.
    """
    repository, saved, created = git.current_repository(), archive_at(sent["slug"], sent["at"]), sent["created"]
    with locks.file_lock(repository.private / f"leaving-{sent['slug']}.lock"):
        row = registry.read_registry(repository).get(name, {"created": None})
        if ours := row.get("created", "") == created:
            doomed = session_of_row(name, row, repository)
            if doomed.state == "ready" and sent["arrived"] != fingerprint(doomed, saved):
                return {"left": False, "changed": True}
            identity = hooks.conversation_of(doomed)
            kept = lifecycle.remove_session(doomed, Removal(force=True, keep_volumes=sent["containers"]))
            if kept is not None:  # the conversation goes on elsewhere
                handover_conversation.fork_copy(kept, identity)
        ours = ours or not saved.directory.exists()
        archive.drop_archive(repository, saved)
    return {"left": ours, "changed": False}


def discard_move(name: str, slug: str, at: str) -> None:
    """Take back what the move *at* made here: its archive, and the session if it came with that."""
    repository, saved = git.current_repository(), archive_at(slug, at)
    with registry.session_lock(repository, name):  # a restoring that was not told of the end finishes first
        row = registry.read_registry(repository).get(name, {})
    brought = row.get("brought") or saved.facts.get("row", {}).get("brought", {})
    if row.get("moved") == at:
        again = lifecycle.remove_session(session_of_row(name, row, repository), Removal(force=True))
        if again is not None:
            archive.drop_archive(repository, again)
    handover_conversation.take_back_transcript(row if row.get("moved") == at else saved.facts.get("row", {}))
    archive.drop_archive(repository, saved)
    for branch, commit in brought.items():
        git.read_git(repository.main, "update-ref", "-d", branch, commit, check=False)


def left_by_move(name: str, at: str) -> dict[str, Any]:
    """Describe the session that a move which was cut off left here, as `pack` does; nothing if it was used since."""
    repository = git.current_repository()
    row = registry.read_registry(repository).get(name, {})
    is_leaving = row.get("state") == "removing"
    session = session_of_row(name, row, repository) if is_leaving else ready_session(name, repository)
    saved = archive_at(session.slug, at)
    sent = _read_sent(saved)
    if "arrived" not in sent or sent.get("created") != session.created:
        return {}
    if not is_leaving and (tmux.list_panes(session) or sent["arrived"] != fingerprint(session, saved)):
        return {}
    return sent
