"""Where Python keeps our compiled modules: Invoke has none written, and compiling them costs half of every `inv`."""

import os
import sys
from pathlib import Path


def directory() -> Path:
    """Return the directory for compiled modules: outside of the checkout, where it would be an untracked file."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "tally-sessions" / "bytecode"


def keep() -> None:
    """Have what is imported from now on compiled once, unless PYTHONDONTWRITEBYTECODE says no."""
    if not os.environ.get("PYTHONDONTWRITEBYTECODE"):
        sys.dont_write_bytecode = False
        sys.pycache_prefix = str(directory())
