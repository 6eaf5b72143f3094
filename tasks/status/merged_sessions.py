"""Sessions whose work is merged: by git's proofs, or because the forge says so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ..errors import SessionError
from ..integrate import base as integrate_base
from ..integrate import pull_request
from ..model import Repository, Session
from ..system import shell
from ..system.progress import notice
from ..tools import fetch, git, merged

_YOUNG = timedelta(days=1)
_PATIENCE = 20.0  # seconds for a forge
_OWN = ("commit", "cherry-pick", "revert", "rebase", "am")  # how a branch's reflog calls commits that were made on it


class Merged(NamedTuple):
    """A *session*, *why* its work counts as merged, and the *tip* of which the forge says so; empty where git does."""

    session: Session
    why: str
    tip: str = ""


def find_merged(repository: Repository, sessions: Sequence[Session]) -> list[Merged]:
    """Return those of *sessions* whose work is merged, after the remotes of their bases were fetched once."""
    ready = [session for session in sessions if session.state == "ready"]
    fetch.fetch_remotes([session.base for session in ready], repository)
    branches = git.list_branches(repository)
    found = []
    for session in ready:
        branch = branches.get(f"refs/heads/{session.branch}")
        if branch and (each := _judge(repository, session, branch.commit)):
            found.append(each)
    return found


def _judge(repository: Repository, session: Session, tip: str) -> Merged | None:
    try:
        base = integrate_base.find_base(session)
    except SessionError as error:
        notice(f"{session.name}: {str(error).splitlines()[0]}")
        return None
    if not git.count_beyond(repository, tip, base.commit) and not _has_own_commits(repository, session, tip):
        return _unused(session)
    if (
        session.merged_tip == tip
        and session.merged_as
        and not git.count_beyond(repository, session.merged_as, base.commit)
    ):
        return Merged(session, f"{base.branch or base.name} has it as {session.merged_as[:10]}")
    if proof := merged.find_merge(repository, tip, [base.branch or base.name, base.name]):
        return Merged(session, proof)
    return _word_of_forge(repository, session, tip)


def _unused(session: Session) -> Merged | None:
    """Return a session without commits, unless it is younger than a day: somebody may be about to begin."""
    if not session.created:
        return None
    age = datetime.now().astimezone() - datetime.fromisoformat(session.created)
    return Merged(session, f"it has had no commits for {age.days} days") if age > _YOUNG else None


def _has_own_commits(repository: Repository, session: Session, tip: str) -> bool:
    if session.merged_tip == tip:
        return True
    words = ("reflog", "show", "--format=%gs", f"refs/heads/{session.branch}", "--")
    lines = git.read_git(repository.main, *words, check=False).splitlines()
    return any(line.startswith(_OWN) for line in lines) if lines else tip != session.start


def _word_of_forge(repository: Repository, session: Session, tip: str) -> Merged | None:
    """Return what `gh` or `glab` says of a merged request with exactly this commit; without them nothing."""
    for program, arguments, number, head, sign in (
        (
            "gh",
            ("pr", "list", "--state", "merged", "--json", "number,headRefOid", "--head"),
            "number",
            "headRefOid",
            "#",
        ),
        ("glab", ("mr", "list", "--merged", "--output", "json", "--source-branch"), "iid", "sha", "!"),
    ):
        if not (shutil.which(program) and _is_its_forge(repository, program)):
            continue
        for request in _ask(repository, program, *arguments, session.branch):
            if request.get(head) == tip:
                return Merged(session, f"{sign}{request.get(number)} was merged", tip)
    return None


def _is_its_forge(repository: Repository, program: str) -> bool:
    urls = [git.read_git(repository.main, "remote", "get-url", each, check=False).strip()
            for each in integrate_base.list_remotes(repository)]  # fmt: skip
    kinds = {place.kind for url in urls if (place := pull_request.find_forge(url))}
    return ("gitlab" in kinds) if program == "glab" else bool(kinds & {"", "github"})


def _ask(repository: Repository, program: str, *arguments: str) -> list[dict[str, Any]]:
    try:
        answer = json.loads(shell.read_output(program, *arguments, cwd=repository.main, seconds=_PATIENCE) or "[]")
    except (SessionError, ValueError) as error:
        notice(f"Couldn't ask {program}: {str(error).splitlines()[0]}")
        return []
    return [each for each in answer if isinstance(each, dict)] if isinstance(answer, list) else []
