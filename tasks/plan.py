"""What `add` would make: every decision and every refusal, before any effect."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from . import activation, conversation, git, names, ports, registry
from .errors import SessionError
from .model import Repository, Session, Window
from .placeholders import expand
from .settings import Settings

Expand = Callable[[str, str], str]


def plan(name: str, settings: Settings, repository: Repository, held: set[int]) -> Session:
    """Return the session *name*, complete, with ports that are neither in *held* nor in use.

    Raises `SessionError` for everything that can be known to be in the way.
    """
    if shutil.which("tmux") is None:
        raise SessionError("tmux is not installed or not on PATH; install the package 'tmux'")
    rows = registry.rows(repository)
    slug = names.slug(name)
    refuse_taken(name, slug, rows)
    facts = _names(name, slug, settings, repository)
    facts["branch"] = expand(settings.branch, facts, "branch")
    names.check_branch(facts["branch"])
    worktree = _worktree(expand(settings.worktree, facts, "worktree"), repository)
    own = {port for row in rows.values() for port in ports.in_row(row).values()}
    chosen = ports.choose(settings.ports, held | own)
    facts |= {"worktree": str(worktree), **{key: str(port) for key, port in chosen.items()}}
    return Session(
        name=name, slug=slug, repository=repository, worktree=worktree, branch=facts["branch"], ports=chosen,
        tmux=f"{names.slug(facts['project'])}-{slug}", state="adding", project=facts["project"],
        preset=settings.preset, created=datetime.now().astimezone().isoformat(timespec="seconds"),
        conversation=conversation.new_id(),
        **_branch(facts["branch"], settings, repository), **contents(settings, facts, repository),
    )  # fmt: skip


def project(settings: Settings, repository: Repository) -> str:
    """Return the project's name: as configured, else the main checkout's directory."""
    return settings.project or repository.main.name


def contents(settings: Settings, facts: Mapping[str, str], repository: Repository) -> dict[str, Any]:
    """Return the parts of a session that the configuration alone decides."""

    def filled(text: str, key: str) -> str:
        return expand(text, facts, key)

    activate = settings.activate
    if activate is None:
        activate = activation.default(repository.main, facts["project"])
    else:
        activate = filled(activate, "activate")
    return {
        "copy": tuple(settings.copy), "link": tuple(settings.link), "activate": activate,
        "env": {f: {k: filled(v, f"env.{f}.{k}") for k, v in vs.items()} for f, vs in settings.env.items()},
        "setup": tuple(filled(command, f"setup[{i}]") for i, command in enumerate(settings.setup)),
        "windows": _windows(settings, filled),
    }  # fmt: skip


def _names(name: str, slug: str, settings: Settings, repository: Repository) -> dict[str, str]:
    return {
        "name": name, "slug": slug, "project": project(settings, repository), "main": str(repository.main),
        "date": datetime.now().astimezone().strftime("%Y-%m-%d"), "component": "", "profile": "",
    }  # fmt: skip


def _windows(settings: Settings, filled: Expand) -> tuple[Window, ...]:
    made: list[Window] = []
    for index, window in enumerate(settings.windows):
        key = f"windows[{index}]"
        texts = {word: filled(window.get(word, ""), f"{key}.{word}") for word in ("name", "dir", "run", "type")}
        if texts["name"] in {other.name for other in made} or "|" in texts["name"]:
            raise SessionError(f"session.{key}.name: {texts['name']!r} is there twice, or contains '|'")
        directory = "" if texts["dir"] == "." else texts["dir"]
        made.append(Window(texts["name"], directory, texts["run"], texts["type"], bool(window.get("claude"))))
    return tuple(made)


def refuse_taken(name: str, slug: str, rows: Mapping[str, registry.Row]) -> None:
    """Raise `SessionError` when a session of *rows* has that name or slug."""
    for other, row in rows.items():
        if other == name and row.get("state", "ready") != "ready":
            raise SessionError(f"session {name} is {row['state']}: unfinished; to undo it: inv session.remove {name}")
        if other == name:
            raise SessionError(
                f"session {name} exists; to go on in it: inv session.resume {name}, or choose another NAME"
            )
        if names.slug(other) == slug:
            raise SessionError(
                f"{name} and the session {other} would share the directory name {slug}; choose another NAME"
            )


def _worktree(configured: str, repository: Repository) -> Path:
    path = Path(os.path.normpath(repository.main / Path(configured).expanduser()))
    if os.path.lexists(path):
        raise SessionError(f"{path} exists; the worktree needs a new directory: move it away or choose another NAME")
    for entry in (repository.common / "worktrees").glob("*/gitdir"):
        if Path(entry.read_text().strip()).parent == path:
            raise SessionError(f"git still has a worktree at {path}, which is gone; to forget it: git worktree prune")
    ancestor = next(parent for parent in path.parents if parent.exists())
    if not os.access(ancestor, os.W_OK):
        raise SessionError(f"{ancestor} is not writable; configure another `worktree`")
    return path


def _branch(branch: str, settings: Settings, repository: Repository) -> dict[str, Any]:
    known = git.branches(repository)
    base, start = _base(settings.base, repository, known)
    local = known.get(f"refs/heads/{branch}")
    if local is not None and local.checkout:
        gone = "" if Path(local.checkout).exists() else ", which is gone; to forget it: git worktree prune"
        raise SessionError(f"the branch {branch} is checked out at {local.checkout}{gone}; choose another NAME")
    if local is not None:
        return {"base": base, "start": local.commit, "tip": local.commit, "creates_branch": False}
    for other in known:
        short = other.removeprefix("refs/heads/")
        if short != other and (short.startswith(f"{branch}/") or branch.startswith(f"{short}/")):
            raise SessionError(f"git cannot hold the branches {short} and {branch} together; choose another NAME")
    remote = [r for r in known.values() if r.name.startswith("refs/remotes/") and r.name.split("/", 3)[3] == branch]
    remote.sort(key=lambda ref: (ref.name != f"refs/remotes/origin/{branch}", ref.name))
    tracks = remote[0].name.removeprefix("refs/remotes/") if remote else ""
    start = remote[0].commit if remote else start
    return {"base": base, "start": start, "tip": start, "creates_branch": True, "tracks": tracks}


def _base(configured: str, repository: Repository, known: Mapping[str, git.Ref]) -> tuple[str, str]:
    """Return the ref that *configured* means, by the name that stays valid, and its commit."""
    current = next((ref for ref in known.values() if ref.current), None)
    if configured == "HEAD" and current is not None:
        return current.name.removeprefix("refs/heads/"), current.commit
    commit = git.commit(repository, configured)
    if not commit and not known and not git.commit(repository, "HEAD"):
        raise SessionError(f'{repository.main} has no commits; make the first: git commit --allow-empty -m "Begin"')
    if not commit:
        raise SessionError(f"the base {configured!r} names no commit; to see what there is: git branch --all")
    return (commit if configured == "HEAD" else configured), commit
