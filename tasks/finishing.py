"""The tasks that finish a session's work, or begin one from work at the wrong place: sync, merge, pr and adopt."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from .command import NAME, answer, command
from .errors import SessionError


@command("name", help={**NAME, "abort": "give up the rebase or merge that waits for you"})
def sync(c: Context, name: str = "", abort: bool = False) -> None:
    """Fetch, and put a session's commits on top of its base; conflicts are left to you, with what to do.

    Example: inv session.sync feature/login
    """
    from . import choosing
    from .finish import syncing
    from .overlap import conflicts, findings

    session = choosing.chosen(c, name)[0]
    answer(syncing.abort(session) if abort else syncing.sync(session))
    findings.tell(conflicts.hot(session, choosing.every(c, session.repository)))


@command("name", help={
    **NAME,
    "squash": "merge it as one commit",
    "into": "the local branch to merge into, instead of the base's",
    "remove": "remove the session afterwards",
})  # fmt: skip
def merge(c: Context, name: str = "", squash: bool = False, into: str = "", remove: bool = False) -> None:
    """Verify a session and merge its branch into its base, whole or not at all.

    Example: inv session.merge feature/login --squash --remove
    """
    from . import choosing
    from .answers import parting
    from .finish import merging
    from .request import Removal

    session, inside = choosing.chosen(c, name)[0], Path.cwd()
    answer(merging.merge(session, into, squash))
    if remove:
        (now,) = (each for each in choosing.every(c, session.repository) if each.name == session.name)
        answer(parting.remove(now, Removal(), inside))


@command("name", help={
    **NAME,
    "title": "the pull request's title, instead of the first commit's subject",
    "body": "the pull request's text, instead of the commits' subjects",
    "draft": "make it a draft",
})  # fmt: skip
def pr(c: Context, name: str = "", title: str = "", body: str = "", draft: bool = False) -> None:
    """Verify a session, push its branch and make a pull request of it; without gh, say where that is done.

    Example: inv session.pr feature/login --draft
    """
    from . import choosing
    from .finish import proposing

    answer(proposing.propose(choosing.chosen(c, name)[0], proposing.Words(title, body, draft)))


@command("name", help={
    "name": "what to call the new session",
    "commits": "move the last so many commits, none of them pushed",
    "changes": "move the uncommitted changes; this is the default",
    "yes": "agree to commands that are not in the committed invoke.yaml",
    "json": "answer as JSON",
})  # fmt: skip
def adopt(
    c: Context, name: str, commits: str = "", changes: bool = False, yes: bool = False, json: bool = False
) -> None:
    """Move what was begun in the main checkout into a new session.

    Example: inv session.adopt feature/login --commits 2
    """
    from . import choosing
    from .answers import made
    from .finish import adopting
    from .planning import trust
    from .request import Request

    if commits and (changes or not commits.isdecimal() or not int(commits)):
        raise SessionError(f"--commits {commits}: expected a number of commits, from 1, and no --changes with it")
    repository, settings = choosing.here(), choosing.settings(c)
    trust.require(settings, repository, yes)
    made.tell(c, adopting.adopt(Request(name=name), settings, repository, int(commits or 0)), json)
