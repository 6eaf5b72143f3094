"""The systems that a project can start its configuration from: one module each."""

from typing import Any

from . import dev_session, parallel, points, tally

PRESETS: dict[str, dict[str, Any]] = {
    "points": points.SETTINGS,
    "tally": tally.SETTINGS,
    "parallel": parallel.SETTINGS,
    "dev-session": dev_session.SETTINGS,
}
