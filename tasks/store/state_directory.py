"""Our directory for the whole machine: which registries it has, and what was approved."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from ..errors import SessionError
from ..system import progress, startup


def state_directory() -> Path:
    """Return our directory for the whole machine, private to the user.

    Raises `SessionError` when others may write to it: they could choose our ports, and approve commands.
    """
    place = startup.own_directory("XDG_STATE_HOME", "~/.local/state")
    for parent in dict.fromkeys((*place.parents, *place.resolve().parents)):
        _refuse_writable(parent, is_parent=True)  # whoever may rename it may replace it
    try:
        status = place.stat()
    except FileNotFoundError:
        return place
    if os.geteuid() not in (0, status.st_uid):
        raise SessionError(f"{place} belongs to another user.\nSet XDG_STATE_HOME to a directory of your own.")
    _refuse_writable(place)
    return place


def _refuse_writable(place: Path, is_parent: bool = False) -> None:
    """Raise `SessionError` when others may write to *place*, or for a parent: rename what is in it."""
    try:
        status = place.stat()
    except OSError:
        return
    if is_parent and status.st_mode & stat.S_ISVTX:
        return
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if others == stat.S_IWGRP and is_parent and _is_private_group(status.st_gid):  # as with a umask of 002
        return
    if others:
        fix = shlex.join(["chmod", "go-w", str(place)])
        raise SessionError(f"Other users may write to {place}, so it can't be trusted.\nRun: {fix}")


def _is_private_group(number: int) -> bool:
    """Return whether the group *number* is the user's own and has no other member."""
    import grp
    import pwd

    try:
        group, user = grp.getgrgid(number), pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return group.gr_name == user.pw_name and user.pw_gid == number and not {*group.gr_mem} - {user.pw_name}


def note_writable() -> None:
    """Print a note where `state_directory` raises: for commands that use nothing of it."""
    try:
        state_directory()
    except SessionError as error:
        progress.notice(str(error))
