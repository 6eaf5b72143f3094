"""The tasks that `fleet.move` runs on both machines; no collection of `inv --list`.

inv --search-root tasks/hosts --collection handover pack --name feature/login
"""

import json
import os
import sys
from importlib import import_module
from typing import Any

from invoke.context import Context
from invoke.tasks import task


def _done(name: str, *arguments: Any, part: str = "handing") -> Any:
    """Return what the function *name* does; a failure of the system is told over there in one line as well."""
    sys.path.insert(0, os.getcwd())  # the main checkout, whose package this is part of
    function, errors = getattr(import_module(f"tasks.hosts.{part}"), name), import_module("tasks.errors")
    try:
        return function(*arguments)
    except OSError as error:
        raise errors.SessionError(errors.told(error)) from None


@task
def pack(_c: Context, name: str) -> None:
    """Make the archive of a session that stays; print what describes it."""
    print(json.dumps(_done("pack", name)))


@task
def pour(_c: Context, slug: str, at: str) -> None:
    """Write an archive to stdout."""
    _done("pour", slug, at, sys.stdout.buffer)
    sys.stdout.flush()


@task
def take(_c: Context, sent: str) -> None:
    """Make an archive from stdin; print its digests."""
    print(json.dumps(_done("take", json.loads(sent), sys.stdin.buffer)))


@task
def look(_c: Context, name: str) -> None:
    """Print where a session stands; what it should hold comes from stdin."""
    print(json.dumps(_done("look", name, json.load(sys.stdin))))


@task
def leave(_c: Context, name: str, slug: str, at: str, created: str, keep_volumes: bool = False) -> None:
    """Remove a session that arrived elsewhere; print whether this move did."""
    print(json.dumps(_done("leave", name, slug, at, created, keep_volumes, part="settling")))


@task
def discard(_c: Context, name: str, slug: str, at: str) -> None:
    """Take back what a move made."""
    _done("discard", name, slug, at, part="settling")
    print("{}")


@task
def left(_c: Context, name: str, at: str) -> None:
    """Describe what a move that was cut off left."""
    print(json.dumps(_done("left", name, at, part="settling")))
