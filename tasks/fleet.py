"""The collection `inv fleet`: the same sessions on other hosts, through SSH."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.context import Context

from . import session
from .commands.command import JSON, answer, as_json
from .commands.command import command as any_command
from .commands.invoke_extensions import LateTask

if TYPE_CHECKING:
    from .config.settings import Settings
    from .hosts.host import Host
    from .model import Repository

command = partial(any_command, needs=("fabric",))
WHICH = "host of the session (needed only if several have one of that name)"
# The tasks of `session` that run on a host as well, and their help.
_TASKS = {
    "add": "Add a session on a host.",
    "remove": "Remove a session on its host.",
    "stop": "Stop a session on its host.",
    "start": "Start a stopped session on its host.",
    "resume": "Start a session on its host again after a reboot.",
    "show": "Show a session on its host.",
    "logs": "Show the output of a session on its host.",
    "send": "Send a message to the Claude of a session on its host.",
    "run": "Run a command in a session on its host.",
    "rename": "Rename a session on its host.",
    "sync": "Rebase a session on its host onto its base.",
    "restore": "Restore a session that was removed on a host.",
    "doctor": "Find and fix problems of sessions on the hosts.",
    "prune": "Delete saved copies of sessions on the hosts.",
}
_MORE: dict[str, dict[str, tuple[Any, str]]] = {  # only we read them: default and help
    "add": {"label": ("", "only on a host that has this label in session.hosts")},
}
_ALL = ("stop", "start", "send", "run", "remove")  # those that may be about all sessions of the hosts
_HERE = ("all", "attach")  # flags that are not passed to a host


def generated_tasks() -> dict[str, Any]:
    """Return the fleet's task for each of those that `session` has, by name."""
    return {name: LateTask(name, session.TASKS[name], partial(_task, name)) for name in _TASKS}


def _task(name: str) -> Any:
    original, more = session.ns.tasks[name], _MORE.get(name, {})
    left_out = [each for each in _HERE if each != "all" or name not in _ALL]
    parameters = [each for each in inspect.signature(original.body).parameters.values() if each.name not in left_out]

    def body(c: Context, *args: Any, **arguments: Any) -> None:
        own = {key: arguments.pop(key, "") for key in ("host", *more)}
        _run(c, name, dict(inspect.Signature(parameters).bind(c, *args, **arguments).arguments), parameters, own)

    body.__doc__ = _docstring(name, str(original.__doc__))
    own = [_parameter("host", ""), *(_parameter(key, default) for key, (default, _help) in more.items())]
    setattr(body, "__signature__", inspect.Signature([*parameters, *own]))
    which = "one of session.hosts (default: the one with the most room)" if name == "add" else WHICH
    explained = {key: text for key, text in original.help.items() if key not in left_out}
    explained |= {"name": "session name"} if "name" in explained and name not in ("add", "doctor") else {}
    explained |= {"old": "session to rename"} if name == "rename" else {}
    explained |= {key: text for key, (_default, text) in more.items()}
    return command(*original.positional, help={**explained, "host": which})(body)


def _parameter(name: str, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


def _docstring(name: str, original: str) -> str:
    """Return the docstring for *name*, with the example of the *original*; a session must be named in it."""
    example = original.partition("Example: ")[2].strip().replace("inv session.", "inv fleet.")
    named = example if " " in example.removeprefix("inv ") else f"{example} feature/login"
    return f"{_TASKS[name]}\n\n    Its options are those of session.{name}.\n\n    Example: {named}\n    "


def _run(
    c: Context, name: str, choices: dict[str, Any], parameters: list[inspect.Parameter], own: dict[str, Any]
) -> None:
    """Run the task *name* with *choices* on the host of our *own* options, or the one that has the session."""
    from .commands.fleet_flags import flag_words
    from .hosts import call

    repository, settings = _settings(c)
    task = call.Call(name, choices, lambda given: [f"session.{name}", *flag_words(given, parameters)], own)
    call.end_as(call.run_task(task, settings, repository))


def _settings(c: Context, agreed: bool = False) -> tuple[Repository, Settings]:
    """Return the repository, and its settings, whose hosts may be asked."""
    from .plan import consent
    from .tools import git

    repository = git.current_repository()
    return repository, consent.settings_for_hosts(c, repository, agreed)


def _find(c: Context, name: str, host: str, tells: bool = False) -> tuple[Repository, Host, dict[str, Any]]:
    """Return the repository, the host that has the session *name*, and its row there."""
    from .hosts import find

    repository, settings = _settings(c)
    place, row = find.find_elsewhere(name, settings, repository, host, tells)
    return repository, place, row


_HOST = {"name": "session name", "host": WHICH}


@command("host", help={
    "host": "one of session.hosts",
    "dry-run": "show what would be done, without changing anything",
    "yes": "approve copying the files that it names",
    **JSON,
})  # fmt: skip
def setup(c: Context, host: str, dry_run: bool = False, yes: bool = False, json: bool = False) -> None:
    """Prepare a host: checkout, virtualenv, ignored files.

    The checkout comes by git push. Ignored files are copied.

    Example: inv fleet.setup devbox
    """
    from .commands import fleet_machines

    repository, settings = _settings(c, yes)
    done = fleet_machines.set_up_machine(host, dry_run or c.config.run.dry, yes, settings, repository)
    answer(as_json(done) if json else done["message"])


@command(aliases=("ls",), help={"json": "print JSON"})
def list_(c: Context, json: bool = False) -> None:
    """Show the sessions of every host and of this machine.

    A line names each host that doesn't answer.

    Example: inv fleet.list
    """
    from .hosts import find, stop_idle
    from .system import progress
    from .views import tables

    repository, settings = _settings(c)
    survey = find.survey_sessions(settings, repository)
    answer(as_json(tables.fleet_records(survey)) if json else tables.fleet_table(survey))
    for each in stop_idle.advise_stops(survey, settings):
        progress.notice(each)


@command(help={
    "host": "one of session.hosts (default: every one that has stop_idle)",
    "dry-run": "show what would be done, without changing anything",
    "yes": "also stop machines that have somebody else's sessions",
    **JSON,
})  # fmt: skip
def stop_idle(c: Context, host: str = "", dry_run: bool = False, yes: bool = False, json: bool = False) -> None:
    """Stop the machines that nobody uses.

    For cron. A machine is stopped after its stop_idle. One where anything is in use stays on.

    Example: inv fleet.stop-idle --dry-run
    """
    from .commands import fleet_machines

    repository, settings = _settings(c)
    how = dry_run or c.config.run.dry, json
    fleet_machines.stop_idle_machines(host, yes, how, settings, repository)


@command(help={"interval": "seconds between updates"}, needs=("fabric", "textual"))
def watch(c: Context, interval: str = "5") -> None:
    """Show the sessions of all machines, kept up to date.

    Enter attaches to the chosen one.

    Example: inv fleet.watch
    """
    from .commands import fleet_watch
    from .config import checks

    repository, settings = _settings(c)
    fleet_watch.watch_fleet(c, settings, repository, checks.check_seconds("--interval", interval))


@command("name", help=_HOST)
def attach(c: Context, name: str, host: str = "") -> None:
    """Attach to a session's tmux session on its host.

    Example: inv fleet.attach feature/login
    """
    from .hosts import remote_run

    _repository, place, _row = _find(c, name, host)
    remote_run.become_remote(place, ["session.attach", f"--name={name}"])


@command("name", help={**_HOST, "open": "print the addresses, one per line"})
def forward(c: Context, name: str, host: str = "", open: bool = False) -> None:
    """Forward a session's ports to this machine until ^C.

    They keep their numbers. It refuses where something here has one of them.

    Example: inv fleet.forward feature/login
    """
    from .hosts import forward as hosts_forward

    repository, place, row = _find(c, name, host)
    hosts_forward.require_free(name, row["ports"], repository)
    if open:
        answer("\n".join(f"http://localhost:{port}" for port in row["ports"].values()))
    hosts_forward.forward_ports(place, name, row["ports"], repository)


@command("name", help={**_HOST, **JSON})
def push(c: Context, name: str, host: str = "", json: bool = False) -> None:
    """Push a session's branch to its host.

    It refuses to lose commits there.

    Example: inv fleet.push feature/login
    """
    from .hosts import branches
    from .system import signals

    repository, place, row = _find(c, name, host)
    with signals.signals_raised():
        brought = branches.push_branch(repository, place, row["branch"], name)
    answer(as_json(brought.record(name, place)) if json else brought.message)


@command("name", help={**_HOST, **JSON})
def pull(c: Context, name: str, host: str = "", json: bool = False) -> None:
    """Pull a session's branch from its host.

    It refuses to lose commits here.

    Example: inv fleet.pull feature/login
    """
    from .hosts import branches
    from .hosts import host as hosts_host
    from .system import signals

    repository, place, row = _find(c, name, host)
    with signals.signals_raised():
        here = hosts_host.this_machine(repository)
        brought = branches.pull_branch(repository, here, place, row["branch"], name)
    answer(as_json(brought.record(name, place)) if json else brought.message)


@command("name", help={
    **_HOST,
    "into": "local branch to merge into (default: the base)",
    "squash": "merge it as one commit",
    "remove": "remove the session on its host afterwards",
    "all": "sync and merge every session of the hosts",
    "yes": "also remove somebody else's session",
    **JSON,
})  # fmt: skip
def merge(
    c: Context, name: str = "", host: str = "", into: str = "", squash: bool = False, remove: bool = False,
    all: bool = False, yes: bool = False, json: bool = False,
) -> None:  # fmt: skip
    """Run checks on its host, then merge a session here.

    Its branch is pulled. It merges all of it or nothing. The session is then measured against the new commit.

    Example: inv fleet.merge feature/login --remove
    """
    from .commands import fleet_landing
    from .integrate.merge import How

    merging = fleet_landing.Merging(How(into, squash, remove), yes, json)
    if all:
        fleet_landing.merge_everything(c, name, host, merging, *_settings(c))
        return
    repository, place, row = _find(c, name, host, tells=True)
    record = fleet_landing.merge_one(fleet_landing.Place(name, place, row), merging, _settings(c)[1], repository)
    if json:
        answer(as_json(record))


@command("name", help={
    **_HOST,
    "title": "title (default: the first commit's subject)",
    "body": "text (default: the commits' subjects)",
    "draft": "open it as a draft",
    **JSON,
})  # fmt: skip
def pr(
    c: Context, name: str, host: str = "", title: str = "", body: str = "", draft: bool = False, json: bool = False,
) -> None:  # fmt: skip
    """Run checks on its host, then open a pull request.

    Its branch is pulled, and pushed from this machine, with your keys.

    Example: inv fleet.pr feature/login --draft
    """
    from .commands import fleet_landing
    from .integrate.pull_request import Words

    repository, place, row = _find(c, name, host, tells=True)
    record = fleet_landing.propose_one(fleet_landing.Place(name, place, row), Words(title, body, draft), repository)
    answer(as_json(record) if json else record["message"])


@command("name", help={"name": "session name (default: every pair of sessions)", "json": "print JSON"})
def conflicts(c: Context, name: str = "", json: bool = False) -> None:
    """Show conflicts between the sessions of all machines.

    The branches of those on hosts are fetched. What is not committed there doesn't count.

    Example: inv fleet.conflicts
    """
    from .commands import selection
    from .status import conflicts as looking
    from .status import fleet_conflicts

    repository, settings = _settings(c)
    own = selection.list_sessions(c, repository)
    meetings = fleet_conflicts.find_fleet_conflicts(settings, repository, own, name)
    answer(as_json([each.record() for each in meetings]) if json else looking.conflicts_table(meetings))
    looking.refuse_conflicts(meetings)


@command("name", help={"name": "session name", "host": "target: a host, or here", **JSON})
def move(c: Context, name: str, host: str = "", json: bool = False) -> None:
    """Move a session to another host, with uncommitted work.

    Its database and .env files go along. It is removed here only after it is complete there.

    Example: inv fleet.move feature/login --host devbox
    """
    from .commands import fleet_machines

    repository, settings = _settings(c)
    moved = fleet_machines.move_to_machine(name, host, settings, repository)
    answer(as_json(moved) if json else moved["message"])


ns = Collection("fleet", setup, watch, stop_idle, attach, forward, push, pull, merge, pr, conflicts, move)
ns.add_task(list_, name="list", aliases=("ls",))
for each, task in generated_tasks().items():
    ns.add_task(task, name=each)
