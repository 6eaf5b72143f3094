"""`inv session.add`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from .command import command

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..model import Repository, Request, Session


@command("name", help={
    "name": "session and branch name (numbered sessions: 001 to 999, default: the first free one)",
    "prompt": "first message to Claude",
    "prompt-file": "file with the first message to Claude",
    "base": "branch or commit that a new branch starts from (default: setting base)",
    "branch": "branch name (default: setting branch)",
    "fork": "session to start from: copies its branch, uncommitted work and conversation",
    "continue-from": "id of a conversation to continue in a copy",
    "agent": "assistant instead of Claude Code, one of the setting agents",
    "component": "part of the repository to work on, one of the setting components",
    "profile": "value of {profile} in the configuration",
    "template": "template of the work log entry, for example fix",
    "issue": "issue to name in the work log",
    "eta": "expected finish to name in the work log",
    "dry-run": "show what would be created, without changing anything",
    "mode": "docker (all profiles of the compose file) or native (only services without a profile)",
    "without": "services of the compose file to leave out, separated by commas",
    "worktree": "path of a worktree that exists, to make a session of",
    "pr": "begin with a pull request: its number or address",
    "from-issue": "name and prompt from an issue: its number or address",
    "yes": "approve values that are not committed or approved yet",
    "wait": "wait until its servers respond (timeout: setting wait)",
    "attach": "attach to its tmux session afterwards",
    "bare": "start nothing: no tmux session, servers or Claude until session.start NAME",
    "json": "print JSON",
})  # fmt: skip
def add(
    c: Context, name: str = "", base: str = "", branch: str = "", prompt: str = "", prompt_file: str = "",
    component: str = "", profile: str = "", template: str = "", issue: str = "", eta: str = "", mode: str = "",
    without: str = "", pr: str = "", from_issue: str = "", dry_run: bool = False, yes: bool = False,
    wait: bool = False, attach: bool = False, json: bool = False, fork: str = "", continue_from: str = "",
    agent: str = "", bare: bool = False, worktree: str = "",
) -> None:  # fmt: skip
    """Create a session: worktree, ports, servers, Claude.

    Example: inv session.add feature/login
    """
    from .. import lifecycle
    from ..model import Request
    from ..plan import add as plan_add
    from . import report, selection

    purpose = {"component": component, "profile": profile, "template": template, "issue": issue, "eta": eta}
    purpose |= {"mode": mode, "without": without, "prompt": selection.read_prompt(prompt, prompt_file), "agent": agent}
    request = Request(name=name, base=base, branch=branch, bare=bare, **purpose)
    dry = dry_run or c.config.run.dry
    repository, settings = _approved(c, yes, dry)
    request = _in_worktree(request, worktree, repository, {"--pr": pr, "--fork": fork})
    request = _continued(c, _with_forge(request, pr, from_issue, repository, settings, dry), fork, continue_from)
    if dry:
        report.answer_plan(plan_add.preview_add(request, settings, repository), json)
        return
    _check_flags(bare, wait, attach)
    session = lifecycle.add_session(request, settings, repository)
    failures = _unfinished(session, settings.wait if wait else 0)
    report.mention_news(session, settings)
    report.answer_session(c, session, json, failures)
    if attach:
        from ..tools import tmux_attach

        tmux_attach.attach_to_tmux(session)


def _in_worktree(request: Request, path: str, repository: Repository, others: dict[str, str]) -> Request:
    """Return *request* for the worktree at *path*, if one is given; then none of *others* may be."""
    if not path:
        return request
    from ..plan import taken

    if given := [option for option, value in others.items() if value]:
        from ..errors import SessionError

        raise SessionError(f"--worktree takes the branch that is checked out there. Run it without {given[0]}.")
    return taken.request_taken(request, path, repository)


def _check_flags(bare: bool, wait: bool, attach: bool) -> None:
    if bare and (wait or attach):
        from ..errors import SessionError

        raise SessionError(f"--bare starts nothing. Leave out --{'wait' if wait else 'attach'}, or --bare.")
    if attach:
        from ..tools import tmux_attach

        tmux_attach.require_outer_terminal("Run it without --attach.")


def _unfinished(session: Session, seconds: float) -> list[str]:
    """Return the setup commands that failed and, after waiting for *seconds*, the servers that don't respond."""
    from ..resources import setup_commands

    failures = setup_commands.unfinished_commands(session)
    if seconds:
        from ..status import readiness

        failures += readiness.wait_for_servers([session], seconds)
    return failures


def _with_forge(
    request: Request, pull: str, issue: str, repository: Repository, settings: Settings, dry: bool
) -> Request:
    """Return *request* with what the forge says of a pull request and an issue, if one is given.

    On a *dry* run nothing is fetched.
    """
    if not (pull or issue):
        return request
    from ..integrate import incoming

    converses = any(window.get("claude") for window in settings.windows)
    if issue:
        request = incoming.request_of_issue(request, issue, repository, converses)
    return incoming.request_of_pull(request, pull, repository, fetches=not dry) if pull else request


def _continued(c: Context, request: Request, fork: str, conversation: str) -> Request:
    if not (fork or conversation):
        return request
    from ..errors import SessionError
    from ..plan import fork as plan_fork
    from . import selection

    if fork and conversation:
        raise SessionError("Give --fork or --continue-from, not both.")
    if fork:
        return plan_fork.request_fork(request, selection.select_session(c, fork))
    return request._replace(forks=plan_fork.check_conversation(conversation))


def _approved(c: Context, agreed: bool, dry: bool) -> tuple[Repository, Settings]:
    """Return the repository and its settings, once they are approved; on a *dry* run print what would be asked."""
    from ..plan import consent
    from ..store import configuration
    from ..tools import git

    repository, settings = git.current_repository(), configuration.load_settings(c)
    (consent.print_unapproved if dry else consent.require_configuration)(c, settings, repository, agreed)
    return repository, settings
