"""Moving a branch forward to a commit, wherever it is checked out, whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from .. import git, linked
from ..errors import CommandError, SessionError
from ..machine import locks, signals
from ..model import Repository
from . import covered


def move(repository: Repository, branch: git.Ref, commit: str, why: str) -> None:
    """Move *branch* from the commit that it was seen at to *commit*, a descendant.

    Where it is checked out git updates the files as well, unless that would overwrite work. Raises `SessionError`
    before any effect when it cannot.
    """
    short = branch.name.removeprefix("refs/heads/")
    if place := _rebased(repository, branch.name):
        raise SessionError(f"{short} is being rebased ({place}); finish that or abort it first: git rebase --abort")
    try:
        if not branch.checkout:
            git.settle(repository.main, "update-ref", "-m", why, branch.name, commit, branch.commit)
        elif Path(branch.checkout).is_dir():
            with locks.held(repository.private / "landing.lock"):
                _forward(Path(branch.checkout), branch.commit, commit)
        else:
            gone = f"{short} is checked out at {branch.checkout}, which is gone"
            raise SessionError(f"{gone}; to forget it: git worktree prune")
    except CommandError as error:
        if (now := git.commit(repository, branch.name)) == commit:
            return  # what failed came after it
        if now != branch.commit:
            raise SessionError(
                f"{short} moved from {branch.commit[:10]} to {now[:10]} meanwhile, so nothing was merged;"
                f" to do it onto that: inv {why}"
            ) from None
        where = f" in {branch.checkout}, where it is checked out" if branch.checkout else ""
        said = "\n".join(f"    {line}" for line in error.stderr.strip().splitlines())
        still = f"git does not move {short}{where}; it is still at {branch.commit[:10]}"
        raise SessionError(f"{still}:\n{said}\nafter mending that try again") from None


def _forward(place: Path, old: str, new: str) -> None:
    """Give the clean paths of the checkout *place* what *new* has; git itself leaves half of it on a full disk."""
    covered.refuse(place, covered.changed(place, old, new, "A"))
    paths = covered.changed(place, old, new)
    git.read(place, "update-index", "-q", "--refresh", check=False)
    dirty = {*covered.listed(git.read(place, "diff-index", "--name-only", "-z", "--no-renames", "HEAD"))}
    try:
        git.settle(place, "merge", "--quiet", "--ff-only", "--no-autostash", new)
    except CommandError as error:
        locked = "index.lock'" in error.stderr  # then what is written there is another git's
        if not locked and not dirty & {*paths} and git.read(place, "rev-parse", "HEAD", check=False).strip() == old:
            _take_back(place, paths)
        raise


def _take_back(place: Path, paths: list[str]) -> None:
    """Make the *paths* again what git's index has, which is what was there."""
    known = {*covered.listed(git.read(place, "ls-files", "-z"))}
    said = covered.listed(git.read(place, "ls-files", "-z", "--modified"))
    with signals.held():
        for path in (*{*said} & {*paths}, *{*paths} - known):  # first, so that there is room
            with suppress(OSError):
                (place / path).unlink()
                os.removedirs((place / path).parent)
        back = "\0".join(path for path in paths if path in known)
        git.settle(place, "checkout-index", "-f", "-q", "-z", "--stdin", given=back)


def _rebased(repository: Repository, name: str) -> Path | None:
    """Return git's notes of a rebase of the branch *name*, which will set it when it ends."""
    for data in linked.directories(repository):
        for notes in (data / "rebase-merge", data / "rebase-apply"):
            if linked.text(notes / "head-name") == name:
                return notes
    return None
