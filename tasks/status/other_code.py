"""Python environments that import another checkout's code than the session's that uses them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from ..model import Problem, Repository, Session
from ..system import activation, editable
from ..tools import worktrees

_OWN_ENVIRONMENT = "give the session an environment of its own in `setup` and `activate`"


def imports_elsewhere(session: Session) -> Iterator[Problem]:
    """Yield what Python imports from another checkout although the session has it, too.

    An editable install leads to the checkout that it was made in, whichever worktree imports it.
    """
    environment = activation.find_environment(session.activate)
    if environment is None:
        return
    if not (environment / "bin").is_dir():
        fact = f"the Python environment {environment} is gone"
        yield Problem(fact, "no window can activate it", f"make it again, or add {session.name} again")
        return
    first = {os.path.realpath(each) for each in session.environment.get("PYTHONPATH", "").split(os.pathsep) if each}
    checkouts = worktrees.list_checkouts(session.repository)
    for each in editable.list_editables(environment):
        inside = editable.place_in_checkout(each.place, checkouts)
        if inside is None or inside[0] == session.worktree or "PYTHONPATH" in session.activate:
            continue
        if not any((session.worktree / f"{inside[1]}{end}").exists() for end in ("", ".py")):
            continue
        root = editable.place_in_checkout(each.root, checkouts) if each.root else None
        if root is None or os.path.realpath(session.worktree / root[1]) not in first:
            fix = f"add {session.name} again, or set PYTHONPATH in `variables`: {{worktree}}/{root[1]}" if root else ""
            fact = f"{each.file} makes Python import {each.place}"
            yield Problem(fact, "that is another checkout's code", fix.replace("/.", "") or _OWN_ENVIRONMENT)


def imports_of_sessions(repository: Repository, sessions: Sequence[Session]) -> Iterator[Problem]:
    """Yield each shared environment that imports the code of one session: an install was run in there."""
    environments = {activation.find_environment(session.activate) for session in sessions} - {None}
    names, checkouts = {session.worktree: session.name for session in sessions}, worktrees.list_checkouts(repository)
    for environment in sorted(each for each in environments if each is not None):
        if any(environment.is_relative_to(worktree) for worktree in names):
            continue
        for each in editable.list_editables(environment):
            inside = editable.place_in_checkout(each.place, checkouts)
            if inside and inside[0] in names:
                fact = f"{environment} imports the code of session {names[inside[0]]} ({each.file})"
                why = "an install there replaced the main checkout's, which everybody uses"
                yield Problem(fact, why, f"run the install again in {repository.main}")
