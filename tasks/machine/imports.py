"""What importing costs: compiled modules are kept, and some are imported while we wait for git anyway."""

import os
import sys
from importlib import import_module
from pathlib import Path
from threading import Thread


def directory() -> Path:
    """Return the directory for compiled modules: outside of the checkout, where it would be an untracked file."""
    return own("XDG_CACHE_HOME", "~/.cache") / "bytecode"


def own(variable: str, default: str) -> Path:
    """Return our directory in the one that *variable* names; a relative one is as none, and not the same everywhere."""
    told = os.environ.get(variable, "")
    return Path(told if os.path.isabs(told) else default).expanduser() / "tally-sessions"


def keep() -> None:
    """Have what is imported from now on compiled once, unless PYTHONDONTWRITEBYTECODE says no.

    Invoke switches that off, and compiling these modules would be half of what every `inv` costs. Where nothing of the
    path is there, as with HOME=/nonexistent, Python would make it below the current directory.
    """
    place = directory()
    if not os.environ.get("PYTHONDONTWRITEBYTECODE") and Path(*place.parts[:2]).is_dir():
        sys.dont_write_bytecode = False
        sys.pycache_prefix = str(place)


def prefetch(*modules: str) -> None:
    """Import *modules*, which will be needed, in the background."""
    Thread(target=lambda: [import_module(module) for module in modules], daemon=True).start()
