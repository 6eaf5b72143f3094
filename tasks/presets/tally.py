"""Tally: one database shared by every session, three windows."""

from typing import Any

from . import points

_BACKEND, _FRONTEND, _CLAUDE = points.SETTINGS["windows"][:3]

SETTINGS: dict[str, Any] = {
    **points.SETTINGS,
    "copy": ["backend/.env", "frontend/.env"],
    "link": ["frontend/node_modules", "backend/db.sqlite3"],
    "windows": [{**_BACKEND, "name": "backend"}, {**_FRONTEND, "name": "frontend"}, _CLAUDE],
}
