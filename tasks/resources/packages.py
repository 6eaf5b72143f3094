"""The resource of a session's own node_modules, where a link would be the main checkout's packages, or break them."""

from __future__ import annotations

import errno
import filecmp
import os
import shlex
from contextlib import suppress
from pathlib import Path

from .. import model
from ..errors import SessionError
from ..model import Problem, Session
from ..system import files
from ..system.progress import notice, show_busy, tell
from ..system.rooted import LeadsOutError, Root
from ..tools import node_packages

LABEL = "packages"


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    paths = [path for path in _paths(session) if not _exists(session, path)]
    return f"own {', '.join(paths)}, by hard links" if paths else ""


def begin_packages(session: Session) -> None:
    """Make them where nobody sees them, in git's directory; `create` moves them into place.

    What fails is done again there, which then says why.
    """
    private, place = Root(session.repository.private), model.waiting_packages(session)
    if private.path.stat().st_dev != session.worktree.stat().st_dev:
        return
    main = session.repository.main
    with suppress(SessionError, OSError):
        private.make_directory(place, 0o700)
        for number, path in enumerate(_paths(session)):
            node_packages.clone_aside(main, path, session.worktree, private, f"{place}/{number}.new")
            private.move(f"{place}/{number}.new", f"{place}/{number}")  # it is complete


def _move_waiting(session: Session, path: str) -> bool:
    """Move those at *path* that wait into the worktree; return whether there were any."""
    private = Root(session.repository.private)
    waiting = f"{model.waiting_packages(session)}/{_paths(session).index(path)}" if path in _paths(session) else ""
    if not waiting or private.lstat(waiting) is None:
        return False
    tree = Root(session.worktree)
    try:
        with tree.beside(path) as new:
            private.move(waiting, new, tree)
    except OSError as error:
        if error.errno != errno.EXDEV:  # two mounts of one file system
            raise
        return False
    return True


def create(session: Session) -> None:
    """Make the node_modules that are missing; install where the branch has another lock file than the main checkout."""
    made = list[str]()
    for path in _paths(session):
        if not _exists(session, path) and _has_place(session, path):
            for each in node_packages.list_own(session.repository.main, path):
                if _exists(session, each) or not _has_place(session, each):
                    continue
                if not _move_waiting(session, each):
                    node_packages.clone_packages(session.repository.main, each, Root(session.worktree))
            made.append(path)
    Root(session.repository.private).remove_tree(model.waiting_packages(session))
    for path in made:
        if _differs(session, path):
            _install(session, path)
    for place in _without_pnp(session):
        _install_pnp(session, place)


def remove(session: Session) -> None:
    """Do nothing: they go with the worktree."""


def problems(session: Session) -> list[Problem]:
    """Return those that are missing."""
    fix = f"inv session.resume {session.name}"
    missing = [path for path in _paths(session) if not _exists(session, path) and _has_place(session, path, quiet=True)]
    return [Problem(f"{path} is missing", "the session needs its own", fix) for path in missing]


def _paths(session: Session) -> list[str]:
    main = session.repository.main
    return [each for each in files.own_packages(main, session.link) if (main / each).is_dir()]


def _exists(session: Session, path: str) -> bool:
    return os.path.lexists(session.worktree / path)


def _has_place(session: Session, path: str, quiet: bool = False) -> bool:
    """Return whether the branch has the directory around *path*; print a note if it doesn't."""
    above = str(Path(path).parent)
    try:
        if Root(session.worktree).is_directory("" if above == "." else above):
            return True
        reason = f"{above} doesn't exist on this branch."
    except LeadsOutError:
        reason = "its directory is a link out of the worktree."
    if not quiet:
        notice(f"{session.name}: {path} was left out: {reason}")
    return False


def _differs(session: Session, path: str) -> bool:
    """Return whether the branch has another lock file for *path* than the main checkout."""
    own, main = (top / Path(path).parent for top in (session.worktree, session.repository.main))
    lock, before = node_packages.find_lock(own), node_packages.find_lock(main)
    if lock is None or before is None:
        return False
    return lock != before or not filecmp.cmp(own / lock.file, main / lock.file, shallow=False)


def _without_pnp(session: Session) -> list[str]:
    """Return the directories where the main checkout has Yarn's Plug'n'Play, and the worktree only the lock file."""
    places = [str(Path(each).parent) for each in files.own_packages(session.repository.main, session.link)]
    main, tree = session.repository.main, session.worktree
    wanted = [each for each in places if files.has_pnp(main / each) and not os.path.lexists(tree / each / files.PNP)]
    return [each for each in wanted if node_packages.find_lock(tree / each)]


def _install_pnp(session: Session, place: str) -> None:
    """Have Yarn write the worktree's own map of packages; these are in its cache, which all projects share."""
    from ..system import session_command

    line = f"cd {shlex.quote(place)} && yarn install --immutable"
    with show_busy(LABEL, "yarn install"):
        run = session_command.run_in_session(session, line, quiet=True)
    if run.exit_code:
        again = f"cd {shlex.quote(str(session.worktree / place))} && yarn install"
        notice(f"Yarn couldn't write {files.PNP} in {session.name}.\nRun: {again}")
    else:
        tell(LABEL, f"yarn install, for its own {files.PNP}  {run.seconds:.2f} s")


def _install(session: Session, path: str) -> None:
    from ..system import session_command

    lock = node_packages.find_lock(session.worktree / Path(path).parent)
    if lock is None:
        return
    words = shlex.join(lock.install)
    place = shlex.quote(str(Path(path).parent))
    with show_busy(LABEL, words):
        run = session_command.run_in_session(session, f"cd {place} && CI=1 {words}", quiet=True)
    if run.exit_code:
        again = f"cd {shlex.quote(str((session.worktree / path).parent))} && {words}"
        notice(
            f"{path} has the main checkout's packages, but {lock.file} differs, and installing failed.\nRun: {again}"
        )
    else:
        tell(LABEL, f"{words}, as {lock.file} differs  {run.seconds:.2f} s")
