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


def _handing() -> Any:
    sys.path.insert(0, os.getcwd())  # the main checkout, whose package this is part of
    return import_module("tasks.hosts.handing")


@task
def pack(_c: Context, name: str) -> None:
    """Make the archive of a session that stays; print what describes it."""
    print(json.dumps(_handing().pack(name)))


@task
def pour(_c: Context, slug: str, at: str) -> None:
    """Write an archive to stdout."""
    _handing().pour(slug, at, sys.stdout.buffer)
    sys.stdout.flush()


@task
def take(_c: Context, packed: str) -> None:
    """Make an archive from stdin; print its digests."""
    print(json.dumps(_handing().take(json.loads(packed), sys.stdin.buffer)))


@task
def look(_c: Context, name: str, present: str) -> None:
    """Print where a session stands."""
    print(json.dumps(_handing().look(name, json.loads(present))))


@task
def drop(_c: Context, slug: str, at: str) -> None:
    """Forget an archive."""
    _handing().drop(slug, at)
    print("{}")
