"""Submodules of a new worktree, from what the main checkout has of them: no network is asked."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..errors import CommandError
from ..model import Session
from ..system.progress import notice
from ..tools import git


def fill_submodules(session: Session) -> None:
    """Check out the submodules that are checked out in the main checkout; print which couldn't be."""
    failed = _fill(session.repository.main, session.repository.common / "modules", session.worktree)
    if failed:
        again = f"git -C {shlex.quote(str(session.worktree))} submodule update --init --recursive"
        notice(f"Submodules without the right commit in the main checkout: {', '.join(failed)}\nRun: {again}")


def _fill(main: Path, modules: Path, place: Path) -> list[str]:
    """Fill the submodules of the checkout *place*, whose repositories *main* has in *modules*; return which failed."""
    failed = list[str]()
    for name, path in _listed(place):
        data, own = modules / name, place / path
        if not (data.is_dir() and (main / path / ".git").exists()):
            continue
        local = ("-c", "protocol.file.allow=always", "-c", f"submodule.{name}.url={data}")
        try:
            git.run_git(place, *local, "submodule", "--quiet", "update", "--init", "--", path)
            if not (own / ".git").exists():  # `update = none`: there git would speak of the worktree itself
                continue
            if url := git.read_git(data, "config", "--get", "remote.origin.url", check=False).strip():
                git.run_git(own, "remote", "set-url", "origin", url)
        except CommandError:
            failed.append(path)
        else:
            failed += [f"{path}/{each}" for each in _fill(main / path, data / "modules", own)]
    return failed


def _listed(place: Path) -> list[tuple[str, str]]:
    """Return the name and the path of each submodule that the checkout *place* names."""
    if not (place / ".gitmodules").is_file():
        return []
    question = ("config", "--file", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.path$")
    entries = git.read_git(place, *question, check=False).split("\0")
    pairs = [entry.partition("\n")[::2] for entry in entries if entry]
    return [(key.removeprefix("submodule.").removesuffix(".path"), path) for key, path in pairs]
