"""A session's diff in the person's terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from ..errors import SessionError
from ..status import worktree_diff
from ..status.worktree_diff import WorktreeDiff
from ..system import signals
from ..system.progress import notice

_ENDED = (-signal.SIGINT, 128 + signal.SIGINT, -signal.SIGPIPE, 128 + signal.SIGPIPE)  # by ^C, or q in the pager


def show_diff(diff: WorktreeDiff, flags: Sequence[str]) -> None:
    """Show *diff* as the person's own git does: with its pager and colours on a terminal, else as plain text."""
    name = diff.session.name
    for path in diff.skipped:
        notice(f"{name}: {path} is a repository of its own. Git doesn't compare it.")
    if not diff.related:
        notice(f"{name} and its base {diff.base} have no commit in common. Compared with its start.")
    if not worktree_diff.has_changes(diff):
        notice(f"{name} has no changes.")
        return
    colour = ("--no-color",) if os.environ.get("NO_COLOR") else ()
    sys.stdout.flush()
    with signals.handle_signals((signal.SIGINT,), lambda *_: None):  # ^C is for the pager
        argv = diff.argv(*colour, *flags)
        code = subprocess.run(argv, env=dict(diff.environment), check=False).returncode
    if code and code not in _ENDED:
        raise SessionError(f"git diff failed in {diff.session.worktree} (exit code {code}).")
