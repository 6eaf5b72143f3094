"""The systems that a project can start its configuration from: one module each."""

from typing import Any

from . import dev_session, points, tally

PRESETS: dict[str, dict[str, Any]] = {
    "points": points.SETTINGS,
    "tally": tally.SETTINGS,
    "dev-session": dev_session.SETTINGS,
}
