"""What `add --fork` takes from another session, and `--continue-from` from a conversation, touching neither."""

from __future__ import annotations

import stat
from pathlib import Path

from ..claude import hooks, live, other_agents, transcripts
from ..errors import SessionError
from ..model import Agent, Request, Session
from ..store import registry, snapshot
from ..system.progress import notice
from ..tools import git, worktree_status


def request_fork(request: Request, old: Session) -> Request:
    """Return *request* for a session that goes on from *old*: its branch, uncommitted work and conversation.

    Raises `SessionError` when the work can't be copied whole.
    """
    if request.base:
        raise SessionError(f"--fork starts from the branch of {old.name}. Run it without --base.")
    with registry.session_lock(old.repository, old.name):
        work = worktree_status.read_work(old, ignored=True)
        if operation := worktree_status.name_operation(worktree_status.list_git_operations(old)):
            raise SessionError(f"A {operation} is in progress in {old.name}. Finish or abort it first.")
        if work.branch != old.branch:
            raise SessionError(
                f"{old.name} is on {work.branch}, not on its branch {old.branch}.\n"
                f"Run: git -C {old.worktree} checkout {old.branch}"
            )
        content = snapshot.take_snapshot(old._replace(tip=""), work.head, _staying(old, work))
    question = ("rev-parse", f"{content}^{{tree}}", f"{content}^1^{{tree}}", f"{content}^2^{{tree}}")
    is_clean = len(set(git.read_git(old.worktree, *question).split())) == 1
    request = request._replace(agent=request.agent or old.agent.name)
    return request._replace(base=old.branch, adopts="" if is_clean else content, forks=_forked(request, old))


def _forked(request: Request, old: Session) -> str:
    """Return the id of the conversation of *old* if the assistant of *request* can go on from it; say if it can't."""
    if not old.converses or request.agent != old.agent.name:
        return ""
    who = "Claude" if old.agent.is_claude else old.agent.name or old.agent.command
    if not (old.agent.is_claude or old.agent.fork):
        notice(f"{who} can't copy a conversation, so a new one starts.")
        return ""
    identity = hooks.conversation_of(old) if old.agent.is_claude else other_agents.find_conversation(old)
    if not identity or (old.agent.is_claude and not _is_usable(old.agent, identity)):
        notice(f"Nothing was said to {who} in {old.name} yet, so a new conversation starts.")
        return ""
    return identity


def _staying(old: Session, work: worktree_status.Work) -> tuple[str, ...]:
    """Return what a new session has of its own; with a note what only the user may read, as git would let everybody."""
    log = (old.work_log["file"],) if old.work_log else ()
    own = {*old.copy, *old.link, *old.env, *old.env_files, *log}
    private = [path for path in work.untracked if _is_private(old.worktree / path)]
    for path in private:
        notice(f"{path} stays in {old.name} only, because only you may read it. Copy it with cp.")
    return (*sorted(own), *private, *work.own)


def _is_private(file: Path) -> bool:
    return file.is_file() and not file.lstat().st_mode & (stat.S_IRGRP | stat.S_IROTH)


def check_conversation(identity: str) -> str:
    """Return the id of a conversation that can be continued in a new session. Raises `SessionError` for any other."""
    if hooks.is_conversation_id(identity) and _is_usable(Agent(), identity):
        return identity
    projects = live.config_directory(Agent()) / "projects"
    raise SessionError(f"No conversation {identity!r} in {projects}.\nList them: claude --resume")


def _is_usable(agent: Agent, identity: str) -> bool:
    files = (live.config_directory(agent) / "projects").glob(f"*/{identity}.jsonl")
    return any(transcripts.is_usable(file) for file in files)
