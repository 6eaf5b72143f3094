"""What a host's virtualenv has to have: the packages that the tasks import, and the tasks themselves if installed."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

from ..model import Repository
from ..system.version import VERSION

REQUIREMENTS = (
    "invoke>=2.2",
    "libtmux>=0.40",
    "python-dotenv>=1.2",
    "tabulate>=0.9",
    "psutil>=6",
)
_MODULES = "invoke, libtmux, dotenv, tabulate, psutil"
_DISTRIBUTION, _MODULE = "tally-sessions", "tally_sessions"
IS_INSTALLED = (__package__ or "").startswith(f"{_MODULE}.")


def required_packages(repository: Repository) -> list[str]:
    """Return what is installed there; the tasks come as they came here, a wheel in the checkout from there."""
    return [*REQUIREMENTS, *([own_requirement(_origin(), repository)] if IS_INSTALLED else [])]


def import_test() -> str:
    """Return the Python program that fails where something is missing, or the tasks are of another version."""
    own = f"\nfrom {_MODULE}.system.version import VERSION\nassert VERSION == {VERSION!r}" if IS_INSTALLED else ""
    return f"import {_MODULES}{own}"


def own_requirement(origin: dict[str, Any], repository: Repository) -> str:
    """Return the requirement with which another machine gets the package that was installed from *origin*."""
    url = str(origin.get("url", ""))
    if "vcs_info" in origin:
        return f"{_DISTRIBUTION} @ {origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}"
    place = Path(url.removeprefix("file://"))
    if url.startswith("file://") and place.is_relative_to(repository.main):
        return f"./{place.relative_to(repository.main)}"
    return f"{_DISTRIBUTION} @ {url}" if url.startswith("http") else f"{_DISTRIBUTION}=={VERSION}"


def _origin() -> dict[str, Any]:
    try:
        text = metadata.distribution(_DISTRIBUTION).read_text("direct_url.json")
        found: dict[str, Any] = json.loads(text or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        return {}
    return found
