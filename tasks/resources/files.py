"""The resource of files that are not in git: copies, links and values in `.env` files."""

import errno
import os
import shlex
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from .. import model
from ..errors import SessionError
from ..model import Problem, Session
from ..store import exclude
from ..system import files as system_files
from ..system import shell
from ..system.patterns import late_pattern
from ..system.progress import list_some, notice
from ..system.rooted import LeadsOutError, Root

LABEL = "files"
_LARGE = 1 << 20  # bytes of a file that is worth copying while git is busy
_SAFE_CACHE = late_pattern(rb"\bcacheDir\b")


def describe(session: Session) -> str:
    """Return in half a line what `create` makes: not what exists already, or would be outside of the worktree."""
    copied, linked = (
        [path for path in paths if _is_in_main(session, path) and _is_missing(session, path)]
        for paths in (session.copy, _linked(session))
    )
    valued = [
        path
        for path in session.env
        if _is_in_main(session, str(Path(path).parent))
        and (_is_missing(session, path) or not _keeps_values(session))
        and not _leads_out(session, path)
    ]
    code = [f"its own {path}" for path in session.python_path] if session.state == "adding" else []
    parts = ("copy", copied), ("link", linked), ("set values in", valued), ("import Python code from", code)
    return "; ".join(f"{verb} {list_some(paths)}" for verb, paths in parts if paths)


def create(session: Session) -> None:
    """Make the copies and links that are missing; values are set in what this makes, or when the session is new."""
    exclude.refresh_exclude(session.repository)
    tree = Root(session.worktree)
    if session.state != "adding":
        _clear(session)
    for path in _linked(session):
        if _can_make(session, path):
            original = session.repository.main / path
            shell.echo_command(shlex.join(["ln", "-s", str(original), str(session.worktree / path)]))
            tree.symlink(str(original), path)
            _warn_of_shared_cache(session, path)
    copies = [path for path in session.copy if _can_make(session, path) and _copy(session, path)]
    _drop_waiting(session, model.waiting_copies(session))
    for path in dict.fromkeys((*session.env, *session.databases)):
        if _keeps_values(session) and not _below(path, copies) and os.path.exists(session.worktree / path):
            continue  # a person may have edited it
        if path in session.env:
            _set(session, path, session.env[path])
        if path in session.databases:
            _set_databases(session, tree, path, path)


def begin_copies(session: Session) -> None:
    """Make the copies that take long where nobody sees them, in git's directory; `create` moves them into place.

    What fails is done again there, which then says why.
    """
    private, place = Root(session.repository.private), model.waiting_copies(session)
    with suppress(SessionError, OSError):
        if private.path.stat().st_dev != session.worktree.stat().st_dev:
            return
        for number, path in enumerate(session.copy):
            source = Root(session.repository.main).real(path)
            is_long = source.is_dir() or (source.is_file() and source.stat().st_size > _LARGE)
            if is_long and not session.worktree.is_relative_to(source):
                from ..system import copy

                private.make_directory(place, 0o700)
                copy.copy_into(source, private, f"{place}/{number}")


def _move_waiting(session: Session, path: str, finish: Callable[[str], None]) -> bool:
    """Move the copy of *path* that waits into the worktree; return whether there was one."""
    private = Root(session.repository.private)
    copied = f"{model.waiting_copies(session)}/{session.copy.index(path)}" if path in session.copy else ""
    if not copied or private.lstat(copied) is None:
        return False
    from ..system import copy

    try:
        copy.move_into(private, copied, Root(session.worktree), path, finish)
    except OSError as error:
        if error.errno != errno.EXDEV:  # two mounts of one file system
            raise
        return False
    return True


def _drop_waiting(session: Session, *places: str) -> None:
    for place in places:
        if os.path.lexists(session.repository.private / place):
            Root(session.repository.private).remove_tree(place)


def has_own_packages(session: Session) -> bool:
    """Return whether a node_modules of `link` is the session's own, rather than a link."""
    return bool(system_files.own_packages(session.repository.main, session.link))


def _linked(session: Session) -> list[str]:
    """Return what is linked: a node_modules that its package manager could change is not (`packages`)."""
    own = system_files.own_packages(session.repository.main, session.link)
    return [path for path in session.link if path not in own or not _is_in_main(session, path)]


def _keeps_values(session: Session) -> bool:
    """Return whether an existing file keeps its values: only a new session, or one on new ports, sets them."""
    return session.state != "adding" or bool(session.archive and not session.moved)


def _is_missing(session: Session, path: str) -> bool:
    try:
        return Root(session.worktree).lstat(path) is None
    except LeadsOutError:
        return False


def _leads_out(session: Session, path: str) -> bool:
    try:
        Root(session.worktree).lstat(path)
    except LeadsOutError:
        return True
    return False


def _set(session: Session, path: str, values: Mapping[str, str]) -> None:
    """Set the *values* in the file *path*, unless it belongs to others as well."""
    from ..system import envfile

    tree = Root(session.worktree)
    try:
        if not tree.is_directory(os.path.dirname(path)):
            parent = Path(path).parent
            notice(f"{session.name}: {path} was not written: {parent} doesn't exist on this branch.")
            return
        _echo_values(session, path, values)
        envfile.put_values(tree, path, values)
    except LeadsOutError:
        notice(f"{session.name}: {path} was not written: it is a link to a file that others use, too.")
        return
    if path in session.env_files and (odd := envfile.odd_values(values)):
        shell = f'eval "$(inv session.env {session.name})"'
        notice(f"{path}: Shells and python-dotenv read {', '.join(odd)} differently.\nIn a shell run: {shell}")


def _echo_values(session: Session, path: str, values: Mapping[str, str]) -> None:
    """Print for `--echo` which values are set; what they are may be secret."""
    shell.echo_command(f"# set {', '.join(values)} in {session.worktree / path}")


def remove(session: Session) -> None:
    """Remove their lines from `.git/info/exclude`, and copies that wait; the files go with the worktree."""
    exclude.refresh_exclude(session.repository, without=session.name)
    _drop_waiting(session, model.waiting_copies(session), model.waiting_packages(session))


def fix_files(session: Session) -> dict[str, list[str]]:
    """Set the values that differ from the session's, and delete what killed commands left.

    Return the keys that were set, by file. The rest of a file stays as it is.
    """
    _clear(session)
    differing = _differing(session)
    for path, keys in differing.items():
        _set(session, path, {key: session.env[path][key] for key in keys})
    return differing


def _clear(session: Session) -> None:
    tree = Root(session.worktree)
    for path in _left(session):
        tree.remove_tree(path)


def _left(session: Session) -> list[str]:
    """Return the unfinished files that killed commands left in the worktree."""
    tree, paths = Root(session.worktree), list[str]()
    for path in (*session.copy, *session.env, model.RULES):
        with suppress(LeadsOutError):
            paths += tree.left_over(path)
    return sorted({*paths})


def _differing(session: Session) -> dict[str, list[str]]:
    """Return the keys whose values are not the session's, by file; a missing file is left out."""
    tree, differing = Root(session.worktree), dict[str, list[str]]()
    from ..system import envfile

    for path, values in session.env.items() if session.created else ():  # the values of other tools are unknown
        with suppress(LeadsOutError, OSError):
            if tree.lstat(path) and (keys := envfile.differing_keys(tree, path, values)):
                differing[path] = keys
    return differing


def _below(path: str, places: Iterable[str]) -> bool:
    return any(f"{path}/".startswith(f"{place}/") for place in places)


def problems(session: Session) -> list[Problem]:
    """Return missing copies, dangling links, wrong values and unfinished files."""
    faults = []
    for path in (*session.copy, *_linked(session)):
        source, target = session.repository.main / path, session.worktree / path
        if target.is_symlink() and not target.exists():
            again = shlex.join(["ln", "-sfn", str(source), str(target)])  # the main checkout was moved
            fix = again if source.exists() else f"restore {source}"
            faults.append(Problem(f"{path} is a dangling link", "its target is gone", fix))
        elif source.exists() and not target.exists() and target.parent.is_dir():
            fix = f"inv session.resume {session.name}"
            faults.append(Problem(f"{path} is missing", "the session needs its own", fix))
    for path in session.env_files:
        target = session.worktree / path
        if not target.exists() and target.parent.is_dir():
            again = f"inv session.resume {session.name}"
            faults.append(Problem(f"{path} is missing", "programs find the session's ports in it", again))
    for path, keys in _differing(session).items():
        why = "programs that read it use other values than the session's"
        faults.append(Problem(f"{path} has {_describe_values(session, path, keys)}", why, "inv session.doctor --fix"))
    for path in _left(session):
        why = "a command was killed while it wrote it"
        faults.append(Problem(f"{path} is left over", why, "inv session.doctor --fix"))
    return faults


def _describe_values(session: Session, path: str, keys: list[str]) -> str:
    """Return for which *keys* the file has another value than the session's, and for which none."""
    from ..system import envfile

    present = envfile.present_keys(Root(session.worktree), path)
    other, none = ([key for key in keys if (key in present) is expected] for expected in (True, False))
    parts = [
        *([f"another value for {', '.join(other)}"] if other else []),
        *([f"none for {', '.join(none)}"] if none else []),
    ]
    return ", and ".join(parts) if other else f"no value for {', '.join(none)}"


def _is_in_main(session: Session, path: str) -> bool:
    return (session.repository.main / path).exists()


def _can_make(session: Session, path: str) -> bool:
    """Return whether *path* is missing in the worktree and can be made there; print a note if it can't."""
    tree = Root(session.worktree)
    try:
        if tree.lstat(path) is not None:
            return False
        if not (session.repository.main / path).exists():
            _tell_missing(session, path)
        elif not tree.is_directory(os.path.dirname(path)):
            notice(f"{session.name}: {path} was left out: {Path(path).parent} doesn't exist on this branch.")
        else:
            return True
    except LeadsOutError:
        notice(f"{session.name}: {path} was left out: its directory is a link out of the worktree.")
    return False


def _tell_missing(session: Session, path: str) -> None:
    from ..tools import node_packages

    if note := node_packages.missing_note(session.repository.main, path, session.name):
        notice(note)


def copy_fresh(session: Session, origin: Path, path: str, replaces_directory: bool = False) -> bool:
    """Copy *path* of the checkout *origin* into the worktree, with the session's values; return whether it could."""
    try:
        source = Root(origin).real(path)
    except LeadsOutError:
        leads = (origin / path).resolve()
        notice(f"{session.name}: {path} was left out: it is a link to {leads}, outside the repository.")
        return False
    if session.worktree.is_relative_to(source):
        notice(f"{session.name}: {path} was left out: the session's worktree is in it.")
        return False
    if not (source.is_file() or source.is_dir()):
        notice(f"{session.name}: {path} was left out: it is neither a file nor a directory.")
        return False
    from ..system import copy

    tree = Root(session.worktree)

    shell.echo_command(shlex.join(["cp", "-a", str(source), str(session.worktree / path)]))
    finish = partial(_finish, session, tree, path)
    if not _move_waiting(session, path, finish):
        copy.copy_into(source, tree, path, finish, replaces_directory)
    return True


def _finish(session: Session, tree: Root, path: str, new: str) -> None:
    """Set the session's values in the copy *new* of *path*: it never appears with those of the main checkout."""
    from ..system import envfile

    for file, values in session.env.items():
        inside = f"{new}{file[len(path) :]}"
        if _below(file, [path]) and tree.is_directory(os.path.dirname(inside)):
            _echo_values(session, file, values)
            with suppress(LeadsOutError):  # `_set` prints a note
                envfile.put_values(tree, inside, values)
    for file in session.databases:
        if _below(file, [path]):
            _set_databases(session, tree, file, f"{new}{file[len(path) :]}")


def _set_databases(session: Session, tree: Root, file: str, path: str) -> None:
    """Have the variables of *file*, which is at *path*, name the session's own databases; a missing one stays so."""
    from ..system import database_urls, envfile

    with suppress(LeadsOutError, OSError):
        if tree.lstat(path) is not None:
            present, main = envfile.read_values(tree, path), session.repository.main / file
            envfile.put_values(tree, path, database_urls.own_addresses(main, present, session.databases[file]))


def _copy(session: Session, path: str) -> bool:
    return copy_fresh(session, session.repository.main, path)


def _warn_of_shared_cache(session: Session, path: str) -> None:
    """Print a note if Vite keeps its cache in a shared node_modules, where servers overwrite each other's."""
    project = (session.worktree / path).parent
    if not (project / "node_modules" / "vite").is_dir():
        return
    configurations = [file.read_bytes() for file in project.glob("vite.config.*")]
    if not any(_SAFE_CACHE.search(text) for text in configurations):
        notice(
            f"Vite's cache is inside the shared {path}. In vite.config set cacheDir: '.vite', and ignore that in git."
        )
