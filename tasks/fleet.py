"""The tasks of `inv fleet`: the same sessions on other hosts, through SSH."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context

from . import elsewhere
from .command import answer, as_json, command

_HOST = {"name": "the session", "host": elsewhere.WHICH}


@command("host", help={
    "host": "which of session.hosts",
    "dry-run": "print what would be made and change nothing",
    "yes": "agree to copying the files that it names",
})  # fmt: skip
def setup(c: Context, host: str, dry_run: bool = False, yes: bool = False) -> None:
    """Make a host ready: its checkout by git push, a virtualenv, and the files that git does not know.

    Example: inv fleet.setup devbox
    """
    from . import choosing
    from .hosts import machine, setting_up

    settings, repository = choosing.settings(c), choosing.here()
    place = machine.called(host, settings)
    if dry_run or c.config.run.dry:
        answer(setting_up.plan(place, repository, settings.copy))
    else:
        answer(setting_up.set_up(place, repository, settings.copy, yes))


@command(aliases=("ls",), help={"json": "answer as JSON"})
def list_(c: Context, json: bool = False) -> None:
    """Show the sessions of every host and of this machine; a host that does not answer is a line saying so.

    Example: inv fleet.list
    """
    from . import choosing
    from .hosts import finding, table

    found = finding.everything(choosing.settings(c), choosing.here())
    answer(as_json(table.records(found)) if json else table.table(found))


@command("name", help=_HOST)
def attach(c: Context, name: str, host: str = "") -> None:
    """Go to a session's tmux session on its host.

    Example: inv fleet.attach feature/login
    """
    from . import choosing
    from .hosts import finding, foreground

    place, _row = finding.find_elsewhere(name, choosing.settings(c), choosing.here(), host)
    foreground.become(place, ["session.attach", f"--name={name}"])


@command("name", help={**_HOST, "open": "print the addresses on stdout, one a line"})
def forward(c: Context, name: str, host: str = "", open: bool = False) -> None:
    """Bring a session's ports to this machine, under the same numbers if they are free, until ^C.

    Example: inv fleet.forward feature/login
    """
    from . import choosing
    from .hosts import finding, forwarding

    place, row = finding.find_elsewhere(name, choosing.settings(c), choosing.here(), host)
    own = forwarding.numbers(row["ports"])
    if open:
        answer("\n".join(f"http://localhost:{port}" for port in own.values()))
    forwarding.keep(place, row["ports"], own)


@command("name", help=_HOST)
def push(c: Context, name: str, host: str = "") -> None:
    """Bring a session's branch on its host to where it is here; refuses to lose commits there.

    Example: inv fleet.push feature/login
    """
    from . import choosing
    from .hosts import branches, finding
    from .machine import signals

    repository = choosing.here()
    place, row = finding.find_elsewhere(name, choosing.settings(c), repository, host)
    with signals.raised():
        answer(branches.push(repository, place, row["branch"], name))


@command("name", help=_HOST)
def pull(c: Context, name: str, host: str = "") -> None:
    """Bring a session's branch here to where it is on its host; refuses to lose commits here.

    Example: inv fleet.pull feature/login
    """
    from . import choosing
    from .hosts import branches, finding, machine
    from .machine import signals

    repository = choosing.here()
    place, row = finding.find_elsewhere(name, choosing.settings(c), repository, host)
    with signals.raised():
        answer(branches.pull(repository, machine.here(repository), place, row["branch"]))


@command("name", help={"name": "the session", "host": "where to: a host, or `here`"})
def move(c: Context, name: str, host: str = "") -> None:
    """Move a session with its uncommitted work, database and `.env`; it goes only after it is whole there.

    Example: inv fleet.move feature/login --host devbox
    """
    from . import choosing
    from .hosts import machine, moving, routes

    settings, repository = choosing.settings(c), choosing.here()
    target = machine.here(repository) if host == machine.HERE else machine.called(host, settings)
    answer(moving.move(name, routes.route(name, target, settings, repository), repository))


ns = Collection("fleet", setup, attach, forward, push, pull, move)
ns.add_task(list_, name="list", aliases=("ls",))
for each, task in elsewhere.tasks().items():
    ns.add_task(task, name=each)
