"""The resource of files that git does not carry: copies, links and values in `.env` files."""

import re
import shlex
from pathlib import Path

from . import exclude, work
from .machine import copying, envfile, unchanged
from .model import Problem, Session
from .narration import notice

_SAFE_CACHE = re.compile(rb"\bcacheDir\b")


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    copied, linked = ([p for p in paths if _there(session, p)] for paths in (session.copy, session.link))
    valued = [path for path in session.env if _there(session, str(Path(path).parent))]
    parts = ("copy", copied), ("link", linked), ("set values in", valued)
    return "; ".join(f"{verb} {', '.join(paths)}" for verb, paths in parts if paths)


def create(session: Session) -> None:
    """Make the copies and links that are missing; values are set in what this makes, or when the session is new."""
    exclude.refresh(session.repository)
    for path in session.link:
        if _wanted(session, path):
            (session.worktree / path).symlink_to(session.repository.main / path)
            _warn_of_shared_cache(session, path)
    made = {path for path in session.copy if _wanted(session, path) and _copied(session, path)}
    for path, values in session.env.items():
        target = session.worktree / path
        kept = session.state != "adding" or (session.archive and not session.moved)
        if kept and path not in made and target.exists():  # a person may have changed it
            continue
        if not target.parent.is_dir():
            notice(f"{session.name}: {path} is not set: {Path(path).parent} does not exist on this branch")
        elif not target.resolve().is_relative_to(session.worktree.resolve()):
            notice(f"{session.name}: {path} is not set: it is a link to a file that others use as well")
        else:
            envfile.put(target, values)
            if path in session.env_files and (odd := envfile.odd(values)):
                shell = f'eval "$(inv session.env {session.name})"'
                notice(f"{path}: shells and python-dotenv read {', '.join(odd)} differently; for a shell: {shell}")


def remove(session: Session) -> None:
    """Take the links out, and their lines out of `.git/info/exclude`; the copies go with the worktree."""
    for path in session.link:
        if (session.worktree / path).is_symlink():
            (session.worktree / path).unlink()
    exclude.refresh(session.repository, without=session.name)


def problems(session: Session) -> list[Problem]:
    """Return the copies and links that vanished and the links that lead nowhere."""
    found = []
    for path in (*session.copy, *session.link):
        source, target = session.repository.main / path, session.worktree / path
        if target.is_symlink() and not target.exists():
            again = shlex.join(["ln", "-sfn", str(source), str(target)])  # the main checkout was moved
            mend = again if source.exists() else f"restore {source}"
            found.append(Problem(f"{path} is a dangling link", "what it led to is gone", mend))
        elif source.exists() and not target.exists() and target.parent.is_dir():
            mend = f"inv session.resume {session.name}"
            found.append(Problem(f"{path} is missing", "the session needs its own", mend))
    for path in session.env_files:
        target = session.worktree / path
        if not target.exists() and target.parent.is_dir():
            again = f"inv session.resume {session.name}"
            found.append(Problem(f"{path} is missing", "programs find the session's ports in it", again))
    return found


def _there(session: Session, path: str) -> bool:
    return (session.repository.main / path).exists()


def _wanted(session: Session, path: str) -> bool:
    """Return whether *path* is missing in the worktree and can be made there; say why not."""
    source, target = session.repository.main / path, session.worktree / path
    if target.is_symlink() or target.exists():
        return False
    if not source.exists():
        notice(f"{session.name}: {path} is left out: the main checkout has none")
    elif not target.parent.is_dir():
        notice(f"{session.name}: {path} is left out: {Path(path).parent} does not exist on this branch")
    elif not target.parent.resolve().is_relative_to(session.worktree.resolve()):
        notice(f"{session.name}: {path} is left out: its directory is a link out of the worktree")
    else:
        return True
    return False


def _copied(session: Session, path: str) -> bool:
    source = session.repository.main / path
    if not source.resolve().is_relative_to(session.repository.main.resolve()):
        notice(f"{session.name}: {path} is left out: it is a link to {source.resolve()}, outside the repository")
        return False
    if not (source.is_file() or source.is_dir()):
        notice(f"{session.name}: {path} is left out: it is neither a file nor a directory")
        return False
    note = unchanged.noting(work.copies(session), source)
    copying.copy(source.resolve(), session.worktree / path)
    note(session.worktree / path)
    return True


def _warn_of_shared_cache(session: Session, path: str) -> None:
    """Vite keeps its cache in node_modules; servers that share one rewrite it under each other."""
    project = (session.worktree / path).parent
    if not (project / "node_modules" / "vite").is_dir():
        return
    configurations = list(project.glob("vite.config.*"))
    if not any(_SAFE_CACHE.search(file.read_bytes()) for file in configurations):
        notice(f"Vite's cache is inside the shared {path}; in vite.config set cacheDir: '.vite' (and git-ignore it)")
