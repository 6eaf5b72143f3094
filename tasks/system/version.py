"""Which version of Tally Sessions this is."""

from __future__ import annotations

import json
from pathlib import Path

VERSION = "0.1.0"
RECORD = "EMBEDDED.json"


def describe_version(place: str) -> str:
    """Return the version, the commit that it was embedded from, if known, and its *place*."""
    try:
        record = json.loads((Path(__file__).parents[1] / RECORD).read_text(encoding="utf-8"))
        commit = str(record.get("commit", ""))
    except (OSError, ValueError, AttributeError):
        commit = ""
    return f"Tally Sessions {VERSION}{f' ({commit[:10]})' if commit else ''} in {place}"
