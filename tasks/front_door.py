"""Whose tasks run: the main checkout's, also in its worktrees. So one registry is never written by two versions.

A worktree of another version imports this file from the main checkout: its name and `find_collection` of a path stay.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from invoke.collection import Collection
from invoke.tasks import Task

OWN_CODE = "TALLY_SESSIONS_OWN_CODE"  # set: the tasks of the checkout that `inv` runs in
EMBEDDED, INSTALLED = "tasks", "tally_sessions"  # what this package is called


def find_collection(file: str) -> Collection:
    """Return the collection of the main checkout's tasks; where it has none, of the package with *file*."""
    here = Path(os.path.abspath(file)).parent  # a link is not followed: it is the checkout that counts
    main = _main_checkout(here)
    if main is not None and (main / EMBEDDED / "session.py").is_file():
        if not os.path.samefile(main / EMBEDDED, here):
            return _load_from(main)
    elif main is not None and here.name == EMBEDDED and _uses_package(main):
        installed: Collection = import_module(INSTALLED).ns
        return installed
    from .collection import ns

    return ns


def join_collections(names: Mapping[str, object], file: str) -> Collection:
    """Return the tasks of a `tasks.py` that defines *names*, with ours beside them."""
    own = names.get("ns", names.get("namespace"))
    joined = own if isinstance(own, Collection) else Collection()
    for value in names.values():
        if isinstance(value, Task) and not isinstance(own, Collection):
            joined.add_task(value)
    for name, collection in find_collection(file).collections.items():
        joined.add_collection(collection, name)
    return joined


def _load_from(main: Path) -> Collection:
    """Return the collection of the tasks in the checkout *main*, in place of what was loaded of these."""
    for name in [name for name in sys.modules if name.partition(".")[0] == EMBEDDED]:
        del sys.modules[name]
    sys.path.insert(0, str(main))
    found: Collection = import_module(EMBEDDED).ns
    return found


def _uses_package(main: Path) -> bool:
    """Return whether *main* has the installed package instead of tasks/: then a branch's are from before."""
    if (main / EMBEDDED).exists() or find_spec(INSTALLED) is None:
        return False
    try:
        return INSTALLED in (main / "tasks.py").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _main_checkout(here: Path) -> Path | None:
    """Return the main checkout, if the tasks run in one of its linked worktrees; git is not started for that."""
    if os.environ.get(OWN_CODE):
        return None
    start = here.parent if here.name == EMBEDDED else _directory()
    top = next((each for each in (start, *start.parents) if os.path.lexists(each / ".git")), start)
    if not os.path.isfile(top / ".git"):  # the main checkout itself, or no repository
        return None
    try:
        if not _is_own(top / ".git", here):
            return None
        admin = top / (top / ".git").read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        common = Path(os.path.realpath(admin / (admin / "commondir").read_text(encoding="utf-8").strip()))
        is_own = common.name == ".git" and _is_own(common / "HEAD", here)
    except (OSError, ValueError):  # a submodule
        return None
    return common.parent if is_own else None


def _is_own(file: Path, here: Path) -> bool:
    """Return whether *file* is a plain one, of us, of root or of whoever owns these tasks, as git wants it.

    Otherwise another user of the machine could have their tasks run by a `.git` above, as in /tmp.
    """
    found = file.stat()
    return stat.S_ISREG(found.st_mode) and found.st_uid in (0, os.geteuid(), here.stat().st_uid)


def _directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/")
