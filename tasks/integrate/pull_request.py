"""A session's work as a pull request: pushed without force, made by gh, or where to make it."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from functools import partial
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from ..errors import CommandError, SessionError, SilentError
from ..model import Session
from ..store import registry, request_cache
from ..system import progress, shell, signals, terminal
from ..tools import fetch, git, worktree_status
from . import base as integrate_base
from . import checks, merge_tree

_PATIENCE = 120.0  # seconds for the forge, on another machine
_REJECTED = re.compile(r"\[rejected\]|non-fast-forward|fetch first|stale info")

_PRESENT = re.compile(r"already exists:?\s+(https?://\S+)")  # how gh calls a request that is open


Verify = Callable[[str, str], None]  # as in `merge`


class Words(NamedTuple):
    """Title and text of the pull request; empty for those of the commits."""

    title: str = ""
    body: str = ""
    draft: bool = False


def propose_pull_request(session: Session, words: Words) -> str:
    """Verify *session*, push its branch, never by force, and return the answer of `gh`, or where to go without it."""
    with signals.signals_raised(), registry.session_lock(session.repository, session.name):
        work = checks.require_ready(session)
        checks.refuse_dirty(session, work)
        verify = partial(checks.run_verification, session) if session.verify else None
        return _propose(session, work.head, words, verify)


def propose_commit(session: Session, head: str, words: Words, verify: Verify | None) -> str:
    """Do the same with the commit *head* of a *session* whose worktree is on another machine."""
    with signals.signals_raised(), registry.session_lock(session.repository, session.name):
        return _propose(session, head, words, verify)


def _propose(session: Session, head: str, words: Words, verify: Verify | None) -> str:
    fetch.fetch_base(integrate_base.find_base(session).name, session.repository)
    base = integrate_base.find_base(session)
    checks.refuse_unrelated(session, head, base.commit, base.name)
    if not git.count_beyond(session.repository, head, base.commit):
        raise SessionError(f"Nothing to open a pull request for: {session.branch} has no commits beyond {base.name}.")
    if behind := git.count_beyond(session.repository, base.commit, head):
        fact = f"{session.branch} is {git.commits_text(behind)} behind {base.name}."
        progress.notice(f"{fact}\nRun: inv session.sync {session.name}")
    remote = _remote(session, base)
    if verify:
        verify(head, _merged(session, head, base) if behind else head)
    with progress.tell_step("push", f"{session.branch} to {remote}"):
        _push(session, remote, head)
    try:
        return _request(session, remote, base, _filled(session, words, head, base.commit))
    finally:
        request_cache.expire_requests(session.repository)


def _merged(session: Session, head: str, base: integrate_base.Base) -> str:
    """Return a commit of what merging *head* into *base* comes to, on no branch; what is proposed is that."""
    merged = merge_tree.write_merge(session.repository, base.commit, head)
    if merged.files:
        raise SessionError(
            f"{session.branch} conflicts with {base.name} in {worktree_status.list_paths(merged.files)},"
            f" so the merged result can't be verified.\nRun: inv session.sync {session.name}"
        )
    words = ("commit-tree", merged.tree, "-p", base.commit, "-p", head, "-m", f"{session.branch} in {base.name}")
    return git.read_git(session.repository.main, *words).strip()


def _remote(session: Session, base: integrate_base.Base) -> str:
    """Return where the branch goes, as git itself would choose; else to where its base is."""
    remotes = integrate_base.list_remotes(session.repository)
    if not remotes:
        raise SessionError("There is no remote to push to.\nRun: git remote add origin URL")
    keys = (f"branch.{session.branch}.pushRemote", "remote.pushDefault", f"branch.{session.branch}.remote")
    configured = [git.read_git(session.repository.main, "config", "--get", key, check=False).strip() for key in keys]
    for remote in (*configured, base.remote, "origin", remotes[0]):
        if remote in remotes:
            return remote
    raise AssertionError("the last of them is known")


def _push(session: Session, remote: str, head: str) -> None:
    """Push the commit that was verified; following the remote branch is a fact that a later `git push` needs."""
    branch = _destination(session, remote)
    try:
        git.run_git(session.worktree, "push", "--quiet", remote, f"{head}:{branch}")
    except CommandError as error:
        if not _REJECTED.search(error.stderr):
            raise
        pull = f"cd {shlex.quote(str(session.worktree))} && git pull --rebase {remote} {session.branch}"
        force = f"git push --force-with-lease {remote} {session.branch}"
        raise SessionError(
            f"{remote} rejected the push: it has commits on {session.branch} that you don't have.\n"
            f"If they are someone else's, run: {pull}\n"
            f"If they are your own from before a rebase, and nobody builds on them, run: {force}"
        ) from None
    for key, value in (("remote", remote), ("merge", branch)):  # a clone of one branch refuses `--set-upstream`
        git.run_git(session.worktree, "config", f"branch.{session.branch}.{key}", value)


def _destination(session: Session, remote: str) -> str:
    """Return the branch of *remote* that is pushed to: that of a fork may have another name (`incoming`)."""
    own = f"refs/heads/{session.branch}"
    words = git.read_git(session.worktree, "config", "--get-all", f"remote.{remote}.push", check=False).split()
    return next((word.removeprefix(f"{own}:") for word in words if word.startswith(f"{own}:")), own)


def _filled(session: Session, words: Words, head: str, base: str) -> Words:
    title, body = integrate_base.title_and_body(session, head, base)
    return Words(words.title or title, words.body or body, words.draft)


def _request(session: Session, remote: str, base: integrate_base.Base, words: Words) -> str:
    into = base.upstream.removeprefix(f"refs/remotes/{base.remote}/") or base.branch
    url = git.read_git(session.repository.main, "remote", "get-url", "--push", remote).strip()
    place = find_forge(url)
    if shutil.which("gh") and (place is None or place.kind in ("", "github")):
        draft = ("--draft",) if words.draft else ()
        onto = ("--base", into) if into else ()
        argv = ("gh", "pr", "create", "--head", session.branch, *onto, "--title", words.title, "--body", words.body)
        try:
            output = shell.read_output(*argv, *draft, cwd=session.worktree, seconds=_PATIENCE).strip()
            return output or f"Opened a pull request for {session.branch}."
        except (CommandError, SilentError) as error:
            if present := _PRESENT.search(str(error)):
                return f"Pushed {session.branch} to {remote}.\nIts pull request is open already: {present[1]}"
            raise SessionError(
                f"Pushed {session.branch} to {remote}, but couldn't open a pull request: {error}"
            ) from None
    if place is None:
        address = f"{terminal.mask_passwords(url)} has no known page for pull requests."
        return f"Pushed {session.branch} to {remote}. {address}"
    return f"Pushed {session.branch} to {remote}.\nOpen a pull request: {place.compare(into, session.branch)}"


_SCP = re.compile(r"^(?:[^@/:]+@)?(?P<host>[^@/:]+):(?!//)(?P<path>.+)$")
_KINDS = ("github", "gitlab", "bitbucket")


class Forge(NamedTuple):
    """A hosted repository: *kind* is github, gitlab, bitbucket or empty, *url* its page."""

    kind: str
    url: str

    def compare(self, base: str, branch: str) -> str:
        """Return the page that opens a pull request for *branch*; with the forge's default as an empty *base*."""
        head, into = quote(branch), quote(base)
        if self.kind == "gitlab":
            onto = f"&merge_request[target_branch]={into}" if base else ""
            return f"{self.url}/-/merge_requests/new?merge_request[source_branch]={head}{onto}"
        if self.kind == "bitbucket":
            return f"{self.url}/pull-requests/new?source={head}" + (f"&dest={into}" if base else "")
        return f"{self.url}/compare/{into + '...' if base else ''}{head}?expand=1"


def find_forge(remote: str) -> Forge | None:
    """Return what the address *remote* belongs to, without what it may hold of a password; None for a directory."""
    if "://" in remote:
        parts = urlsplit(remote)
        host, path, port = parts.hostname or "", parts.path, parts.netloc.rpartition("@")[2].partition(":")[2]
        if parts.scheme == "file" or not host:
            return None
        host += f":{port}" if parts.scheme in ("http", "https") and port else ""
    elif match := _SCP.match(remote):
        host, path = match["host"], match["path"]
    else:
        return None
    host = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}.get(host, host)
    kind = next((kind for kind in _KINDS if kind in host), "")
    return Forge(kind, f"https://{host}/{path.strip('/').removesuffix('.git')}")
