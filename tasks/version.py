"""Which version of Tally Sessions this is."""

from __future__ import annotations

import json
from pathlib import Path

VERSION = "0.1.0"
RECORD = "EMBEDDED.json"


def describe_version() -> str:
    """Return the version, the commit that it was embedded from, if known, and where it is."""
    package = Path(__file__).absolute().parent
    try:
        record = json.loads((package / RECORD).read_text(encoding="utf-8"))
        commit = record.get("commit", "")
    except (OSError, ValueError, AttributeError):
        commit = ""
    return f"Tally Sessions {VERSION}{f' ({commit[:10]})' if commit else ''} in {package}"
