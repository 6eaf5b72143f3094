"""The tasks of `inv session`: those that make and unmake, and the collection of all."""

from __future__ import annotations

from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context

from .command import NAME, answer, command, fail
from .comparing import compare, conflicts
from .errors import SessionError, told
from .finishing import adopt, merge, pr, sync
from .inside import env, run
from .logs import logs
from .overview import doctor, list_, prune, show
from .permitting import permissions
from .switching import attach, resume, start, stop
from .talking import send
from .watching import pick, watch


@command("name", aliases=("create",), help={
    "name": "what to call it, and its branch; in the directory and the tmux session odd characters become -;"
    " where sessions are numbered an id, 001 to 999, or nothing for the first free one",
    "prompt": "what the conversation begins with",
    "prompt-file": "a file with what the conversation begins with",
    "base": "what a new branch starts from, instead of the configured base",
    "branch": "the branch, instead of the configured one",
    "component": "the part of the repository that it works on; {component} in the configuration",
    "profile": "what {profile} stands for in the configuration",
    "template": "which template its entry in the work log is made from, for example fix",
    "issue": "the issue that it is about, for the work log",
    "eta": "when it should be ready, for the work log",
    "dry-run": "print what would be made and change nothing",
    "mode": "docker (all of the compose file's profiles) or native (only services without a profile)",
    "without": "services of the compose file that are left out, with commas between them",
    "yes": "agree to commands that are not in the committed configuration",
    "wait": "wait until its servers answer, for the seconds of the setting `wait`",
    "attach": "go to its tmux session in the end",
    "json": "answer as JSON",
})  # fmt: skip
def add(
    c: Context, name: str = "", base: str = "", branch: str = "", prompt: str = "", prompt_file: str = "",
    component: str = "", profile: str = "", template: str = "", issue: str = "", eta: str = "", mode: str = "",
    without: str = "", dry_run: bool = False, yes: bool = False, wait: bool = False, attach: bool = False,
    json: bool = False,
) -> None:  # fmt: skip
    """Make a session: worktree, branch, ports, files, tmux windows, servers, conversation.

    Example: inv session.add feature/login
    """
    from . import choosing, lifecycle, setup
    from .answers import attaching, awaiting, made
    from .planning import deciding, trust
    from .request import Request

    purpose = {"component": component, "profile": profile, "template": template, "issue": issue, "eta": eta}
    purpose |= {"mode": mode, "without": without, "prompt": choosing.prompt(prompt, prompt_file)}
    asked = Request(name=name, base=base, branch=branch, **purpose)
    repository, settings = choosing.here(), choosing.settings(c)
    if dry_run or c.config.run.dry:
        made.plan(deciding.plan(asked, settings, repository), json)
        return
    if attach:
        attaching.require_terminal("leave --attach out")
    trust.require(settings, repository, yes)
    session = lifecycle.add(asked, settings, repository)
    made.tell(c, session, json, [*setup.unfinished(session), *awaiting.servers([session] * wait, settings.wait)])
    if attach:
        attaching.attach(session)


@command("name", aliases=("destroy", "rm"), help={
    **NAME,
    "force": "remove uncommitted, untracked and unmerged work with it, and volumes",
    "keep-branch": "leave the branch",
    "keep-volumes": "leave the volumes of its containers, for a later session of that name",
    "all": "remove every session",
    "dry-run": "print what would be removed and change nothing",
})  # fmt: skip
def remove(
    c: Context, name: str = "", force: bool = False, keep_branch: bool = False, keep_volumes: bool = False,
    all: bool = False, dry_run: bool = False,
) -> None:  # fmt: skip
    """Remove a session: servers, containers, tmux session, worktree and branch; refuses while that would lose work.

    Example: inv session.remove feature/login
    """
    from . import choosing
    from .answers import parted, parting
    from .planning import removal
    from .request import Removal

    failed: list[str] = []
    how = Removal(force, keep_branch, keep_volumes)
    chosen, inside = choosing.chosen(c, name, all), Path.cwd()
    for session in chosen:
        try:
            if dry_run or c.config.run.dry:
                answer(parted.removal(removal.plan(session, how)))
            else:
                answer(parting.remove(session, how, inside))
        except (SessionError, OSError) as error:
            failed.append(told(error))
    fail(failed)


@command("name", help={
    "name": "the removed session",
    "at": "which of several, by the beginning of its time in session.list --removed; else the newest",
    "json": "answer as JSON",
})  # fmt: skip
def restore(c: Context, name: str, at: str = "", json: bool = False) -> None:
    """Bring a removed session back: its commits, its uncommitted work, its database and `.env` files.

    Example: inv session.restore feature/login
    """
    from . import choosing, lifecycle
    from .answers import made

    made.tell(c, lifecycle.restore(name, choosing.here(), at), json)


ns = Collection("session", add, remove, restore)
for each in (resume, start, stop, attach, send, show, env, run, logs, permissions, watch, pick, prune, doctor):
    ns.add_task(each)
for each in (conflicts, compare, sync, merge, pr, adopt):
    ns.add_task(each)
ns.add_task(list_, name="list", aliases=("ls",))
