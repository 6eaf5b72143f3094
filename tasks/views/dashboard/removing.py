"""How sessions are removed: what goes is shown first, only that is done, and what has changed since then stays."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ...errors import SessionError
from ...model import Repository
from ...store import registry, shown_removals
from ...system import terminal
from .actions import ActingApp, Asked, offers_approval
from .dialogs import Choice, Question
from .jobs import Job, count_names, list_names

_SAVED = "Files and uncommitted work are saved: press u to restore."
_FORCED = "Removed anyway, what can be saved is saved: press u to restore."
_ADVICE = re.compile(r"^Run: inv session\.remove .* --force\n?", re.MULTILINE)  # there is a key for it
_TITLE = re.compile(r"^Not removed: .*\n?", re.MULTILINE)  # the command's own last line


class _Removal(NamedTuple):
    """Which sessions to remove, all of them where there are no *names*, and the *file* with what was shown of them."""

    names: Sequence[str]
    at: Repository
    file: Path
    options: Sequence[str]

    @property
    def safe(self) -> list[str]:
        """Those of which nothing would be lost."""
        shown = shown_removals.read_shown(self.file)
        return [name for name in self.names or shown if shown.get(name, ("", False))[1]]

    async def run(self, app: ActingApp, doing: str, *options: str) -> Job:
        """Run the task; a dry run notes what it shows, and the removal takes no more than that."""
        words = ("session.remove", *([",".join(self.names)] if self.names else []), *self.options, *options)
        return await app.perform(doing, *words, at=self.at, **{terminal.SHOWN: str(self.file)})


async def remove_named(app: ActingApp, names: Sequence[str], at: Repository) -> None:
    """Remove the sessions *names* of the repository *at*, after a question."""
    await _remove(app, f"Remove {list_names(names)}?", names, at)


async def remove_merged(app: ActingApp, title: str, at: Repository) -> None:
    """Remove the sessions of the repository *at* that are merged, after a question."""
    await _remove(app, title, (), at, "--merged")


async def _remove(app: ActingApp, title: str, names: Sequence[str], at: Repository, *options: str) -> None:
    with tempfile.TemporaryDirectory(prefix="tally-shown-") as directory:
        removal = _Removal(names, at, Path(directory) / "shown", options)
        plan = removal.run(app, "Looking at what that takes away", "--dry-run")
        answer = await app.ask_about(title, plan, partial(_question, removal))
        left = list[str]()
        if answer in ("yes", "others", "force"):
            chosen = removal._replace(names=removal.safe) if answer == "others" or not names else removal
            kept = [name for name in names if name not in chosen.names]
            left = await _remove_shown(app, chosen, kept, ["--force"] * (answer == "force"))
    if left:
        await _remove(app, f"Remove {list_names(left)}?", left, at, *options)


async def _remove_shown(app: ActingApp, removal: _Removal, kept: Sequence[str], options: Sequence[str]) -> list[str]:
    """Do it and say how it went, also which are *kept*; return those of which the question is to be asked again."""
    names = removal.names
    job = await removal.run(app, f"Removing {list_names(names)}", *options)
    left = await asyncio.to_thread(_registered, removal)
    gone = [name for name in names if name not in left]
    if gone and (len(names) > 1 or kept):
        stay = f" Kept: {list_names([*kept, *left])}." if kept or left else ""
        app.tell(f"Removed {count_names(gone)}.{stay} Press u to restore.")
    elif not job.code:
        app.tell(job.summary)
    if not job.code:
        return []
    again = [*([Choice("y", "Approve and run again", "yes", True)] * offers_approval(job)),
             Choice("l", "Look again", "again")]  # fmt: skip
    title = f"Not removed: {list_names(left)}" if left else f"Removing {list_names(names)}: failed"
    choices = [Choice("c", "Close", "close"), *(again if left else ())]
    answer = await app.push_screen_wait(Question(title, _TITLE.sub("", job.whole).strip(), choices))
    if answer == "yes":
        return await _remove_shown(app, removal._replace(names=left), kept, [*options, "--yes"])
    return left if answer == "again" else []


def _registered(removal: _Removal) -> list[str]:
    """Return those that are still there."""
    with suppress(SessionError, OSError):
        rows = registry.read_registry(removal.at)
        return [name for name in removal.names if name in rows]
    return list(removal.names)


def _question(removal: _Removal, plan: Job) -> Asked:
    """Return the question with what goes, and with what would be lost where `remove` refuses."""
    safe, several = removal.safe, len(removal.names) != 1
    if not plan.code and not (removal.names or safe):
        return plan.whole.strip().rpartition("\n")[2]
    keep = Choice("n", f"Keep {'them' if several else 'it'}", "no")
    if not plan.code:
        return f"{plan.whole}\n\n{_SAVED}", [keep, Choice("y", "Remove", "yes", True)]
    others = [Choice("y", "Remove the others", "others", True)] if several and safe else []
    if not removal.names:
        return plan.whole, [keep, *others]
    force = Choice("f", "Remove all anyway" if several else "Remove anyway", "force", True)
    return f"{_ADVICE.sub('', plan.whole).strip()}\n\n{_FORCED}", [keep, *others, force]
