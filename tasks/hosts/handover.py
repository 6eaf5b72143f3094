"""The tasks that `fleet.move`, `merge`, `pr`, `sync` and `stop-idle` run on hosts; no collection of `inv --list`.

inv --search-root tasks/hosts --collection handover pack --name feature/login

With the installed package: inv handover.pack --name feature/login
"""

import json
import os
import sys
from importlib import import_module
from typing import Any

from invoke.context import Context
from invoke.tasks import task


def _done(name: str, *arguments: Any, module: str = "hosts.handover_steps") -> Any:
    """Return what the function *name* does; a failure of the system is one line on the other machine as well."""
    package = (__package__ or "tasks.hosts").partition(".")[0]
    if not __package__:
        sys.path.insert(0, os.getcwd())  # the main checkout, whose package this is part of
    function, errors = getattr(import_module(f"{package}.{module}"), name), import_module(f"{package}.errors")
    try:
        return function(*arguments)
    except OSError as error:
        raise errors.SessionError(errors.describe_error(error)) from None
    except errors.SessionError as error:
        error.message = import_module(f"{package}.system.caller").in_its_words(str(error))
        raise


@task
def pack(_c: Context, name: str) -> None:
    """Stop a session, which stays, and print what describes it."""
    print(json.dumps(_done("pack_session", name)))


@task
def pour(_c: Context, name: str, slug: str, at: str) -> None:
    """Write a session to stdout."""
    _done("pour_session", name, slug, at, sys.stdout.buffer)
    sys.stdout.flush()


@task
def take(_c: Context, sent: str) -> None:
    """Make an archive from stdin and print its digest."""
    print(json.dumps(_done("take_archive", json.loads(sent), sys.stdin.buffer, module="hosts.handover_arrival")))


@task
def look(_c: Context, name: str) -> None:
    """Print where a session stands."""
    print(json.dumps(_done("look_at_session", name, module="hosts.handover_arrival")))


@task
def leave(_c: Context, name: str, sent: str) -> None:
    """Remove a session that arrived elsewhere; print whether this move did, and whether it has changed since."""
    print(json.dumps(_done("leave_session", name, json.loads(sent))))


@task
def discard(_c: Context, name: str, slug: str, at: str) -> None:
    """Take back what a move made."""
    _done("discard_move", name, slug, at)
    print("{}")


@task
def left(_c: Context, name: str, at: str) -> None:
    """Describe what a move that was cut off left."""
    print(json.dumps(_done("left_by_move", name, at)))


@task
def verify(c: Context, name: str, head: str, merged: str) -> None:
    """Run the checks of a session on a commit."""
    _done("verify_commit", c, name, head, merged, module="commands.called_session")


@task
def base(c: Context, name: str, sent: str) -> None:
    """Measure a session against another commit."""
    _done("take_base", c, name, json.loads(sent), module="commands.called_session")
    print("{}")


@task
def use(c: Context, seconds: str) -> None:
    """Describe what the machine is used for."""
    print(json.dumps(_done("describe_machine", c, seconds, module="commands.called_session")))


@task
def sync(c: Context, name: str) -> None:
    """Sync a session, or leave it as it is."""
    _done("sync_or_abort", c, name, module="commands.called_session")
