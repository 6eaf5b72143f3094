"""What `fleet.move` does on the machine that a session comes to: an archive, as if it had been removed here."""

from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from ..errors import SessionError
from ..model import Repository
from ..store import archive, arrivals, registry
from ..system import activation, locks, reading
from ..system import files as system_files
from ..system.rooted import Root
from ..tools import git, worktree_status
from . import handover_conversation, handover_steps
from .remote_scripts import files

_ABANDONED = 86400  # seconds; no move takes longer


def translate_row(row: registry.Row, packed: dict[str, Any], repository: Repository) -> registry.Row:
    """Return *row* with the directories of the other machine replaced by those of this one."""
    paths = {
        row["worktree"]: str(_worktree(row["worktree"], packed, repository)), packed["main"]: str(repository.main),
        packed["home"]: str(Path.home()),
    }  # fmt: skip
    # The longer first, as one may begin with another; and no part of a longer name.
    pattern = re.compile(rf"(?<![\w.-])({'|'.join(map(re.escape, paths))})(?![\w.-])")

    def moved(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub(lambda match: paths[match[1]], value)
        if isinstance(value, dict):
            return {key: moved(item) for key, item in value.items()}
        return [moved(item) for item in value] if isinstance(value, list) else value

    new = {key: moved(value) for key, value in row.items() if key not in ("claude_entry", "archive", "transcript")}
    if packed["found"]:
        new["activate"] = activation.default_activation(repository.main, row["project"])
    return {**new, **packed.get("based", {}), "state": "ready", "archive": ""}


def _worktree(worktree: str, packed: dict[str, Any], repository: Repository) -> Path:
    return Path(os.path.normpath(repository.main / os.path.relpath(worktree, packed["main"])))


def take_archive(sent: dict[str, Any], stream: IO[bytes]) -> dict[str, str]:
    """Make the archive that *sent* describes from *stream*, for this machine; return its digest, and a note if any."""
    repository = git.current_repository()
    target = handover_steps.archive_at(sent["slug"], sent["at"]).directory
    worktree = _worktree(sent["worktree"], sent, repository)
    with _scratch(repository, worktree) as scratch:
        try:
            digest = files.unpack(stream, str(scratch))
            facts, note = _translated(scratch / "archive", sent, repository)
            saved = archive.Archive(target, facts)
            _put_in_place(scratch / "archive", saved, repository)
            handover_conversation.place_transcript(saved)
            for branch, commit in facts["row"]["brought"].items():
                git.run_git(repository.main, "update-ref", branch, commit, "")
        except (OSError, ValueError, tarfile.TarError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SessionError(f"Couldn't unpack the session: {reason}. Nothing was changed.") from None
    return {"digest": digest, "note": note}


@contextmanager
def _scratch(repository: Repository, worktree: Path) -> Iterator[Path]:
    """Yield a new directory on the file system of *worktree*, locked while it fills; those of killed moves go."""
    worktree.parent.mkdir(parents=True, exist_ok=True)
    repository.private.mkdir(mode=0o700, exist_ok=True)
    mark = os.urandom(16).hex()
    if os.stat(worktree.parent).st_dev == os.stat(repository.private).st_dev:
        for old in repository.private.glob("incoming-*"):
            with suppress(OSError):
                if time.time() - old.stat().st_mtime > _ABANDONED:
                    Root(repository.private, follows=False).remove_tree(old.name)
        scratch = repository.private / f"incoming-{mark}"
    else:
        scratch = worktree.with_name(f".{worktree.name}.{mark}.removed")
    with locks.file_lock(arrivals.arrival_lock(repository, mark)):  # for `doctor --fix`, before there is anything
        scratch.mkdir(mode=0o700, parents=True)
        try:
            yield scratch
        finally:
            with suppress(OSError):
                Root(scratch.parent, follows=False).remove_tree(scratch.name)


def _translated(place: Path, sent: dict[str, Any], repository: Repository) -> tuple[dict[str, Any], str]:
    """Replace the other machine's directories in what arrived in *place*; return its facts, and a note."""
    facts: dict[str, Any] = json.loads(reading.read_text(place / "row.json"))
    _refuse_submodules(place, sent, repository)
    brought = {each: commit for each, commit in sent["branches"].items() if _is_new(repository, each, commit)}
    row = translate_row(facts["row"], sent, repository)
    arrival = handover_conversation.plan_arrival(place, row, sent)
    facts |= {"row": {**row, **arrival.facts, "moved": sent["at"], "brought": brought}, "tree": "tree"}
    before, now = Path(sent["worktree"]), _worktree(sent["worktree"], sent, repository)
    for name in facts["nested"]:
        link = Path(os.path.normpath(Path(sent["common"]) / "worktrees" / name / _gitdir(place / "nested" / name)))
        Root(place, follows=False).write(f"nested/{name}/gitdir", f"{now / link.relative_to(before)}\n".encode())
    return facts, arrival.note


def _gitdir(admin: Path) -> str:
    return git.read_git_file(admin / "gitdir")


def _refuse_submodules(place: Path, sent: dict[str, Any], repository: Repository) -> None:
    """Refuse submodules whose links, relative to the worktree, would lead elsewhere on this machine."""
    links = [
        os.path.relpath(common, worktree)
        for common, worktree in (
            (sent["common"], sent["worktree"]),
            (repository.common, _worktree(sent["worktree"], sent, repository)),
        )
    ]
    if links[0] != links[1] and (place / "admin" / "modules").is_dir():
        raise SessionError(
            f"The session has submodules, which need the main checkout's git directory at {links[0]} from the"
            f" worktree. Here it is at {links[1]}.\nGive both main checkouts the same name, then move it again."
        )


def _is_new(repository: Repository, branch: str, commit: str) -> bool:
    """Return whether *branch*, which the session has checked out, has to be made; raises when it is another one."""
    other = git.list_branches(repository).get(branch)
    if other is not None and (other.commit != commit or other.checkout):
        short = branch.removeprefix("refs/heads/")
        raise SessionError(f"The session is on {short}, but another branch {short} exists here.\nRun: git branch")
    return other is None


def _put_in_place(place: Path, saved: archive.Archive, repository: Repository) -> None:
    """Make what is in *place* the archive *saved*; it is there once its `row.json` is."""
    if place.is_relative_to(repository.private):
        _write(place, saved)
        Root(repository.private).make_directory(f"removed/{saved.directory.parent.name}", 0o700)
        place.rename(saved.directory)
        return
    saved.facts["tree"] = "beside"
    with _scratch(repository, repository.private) as here:  # beside the archives, so that it gets there by a rename
        for part in os.listdir(place):
            if part not in ("tree", "row.json"):
                (shutil.copytree if (place / part).is_dir() else shutil.copy2)(place / part, here / part)
        _write(here, saved)
        Root(repository.private).make_directory(f"removed/{saved.directory.parent.name}", 0o700)
        here.rename(saved.directory)
    saved.beside.mkdir(mode=0o700)
    (place / "tree").rename(saved.beside / "tree")


def _write(directory: Path, saved: archive.Archive) -> None:
    system_files.write_whole(directory / "row.json", json.dumps(saved.facts, indent=2) + "\n", mode=0o600)


def look_at_session(name: str) -> dict[str, Any]:
    """Return where the session *name* stands: its commit, its branch, and the digest of git's index."""
    session = handover_steps.ready_session(name, git.current_repository())
    work = worktree_status.read_work(session)
    return {"head": work.head, "branch": work.branch, "staged": handover_steps.digest_index(session)}
