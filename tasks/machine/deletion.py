"""Deleting whole directories, also those that their owner may not write to, as Go's cache of modules has them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .. import shell

# Directories only: the files may have second names, in an archive.
_SCRIPT = 'rm -rf -- "$@" && exit; find "$@" -type d ! -perm -700 -exec chmod u+rwx {} \\; ; rm -rf -- "$@"; exit 0'


def now(entries: Iterable[Path]) -> None:
    """Delete *entries*; what another user owns may stay."""
    if paths := [str(entry) for entry in entries]:
        shell.run("sh", "-c", _SCRIPT, "sh", *paths)


def behind(entries: Iterable[Path]) -> None:
    """Do the same in the background."""
    paths = [str(entry) for entry in entries]
    shell.run("sh", "-c", 'nohup sh -c "$0" sh "$@" >/dev/null 2>&1 &', _SCRIPT, *paths)
