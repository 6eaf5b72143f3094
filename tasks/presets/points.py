"""Points: an own database for every session, the ports in the window names."""

from typing import Any

# A line of which a placeholder is empty is left out.
_NOTE = """\
You work in the session {name} of {project}: the git worktree {worktree}, on its own branch {branch}.
Stay in that directory: the main checkout {main} and the other sessions beside it are not yours to change.
Its servers run in other windows of tmux session {tmux}, on its own ports: {urls}. Never assume the usual ports.
Set for it: {values}.
Before commands that need the project's environment: {activate}
Its own copies, free to change: {own}.
Shared with the main checkout and every session, so install or change nothing in it unasked: {shared}.
"""

SETTINGS: dict[str, Any] = {
    "numbered": False,
    "worktree": "../{project}-{slug}",
    "branch": "{name}",
    "base": "HEAD",
    "fetch": False,
    "keep_removed": 30,
    "wait": 60,
    "hosts": {},
    "host_timeout": 10,
    "ports": {"backend_port": 8000, "frontend_port": 5000},
    "copy": ["backend/db.sqlite3", "backend/.env", "frontend/.env"],
    "link": ["frontend/node_modules"],
    "env": {"frontend/.env": {"VITE_API_URL": "http://localhost:{backend_port}"}},
    "env_file": "",
    "app_env": {},
    "variables": {},
    "date": "%Y-%m-%d",
    "setup": [],
    "compose": {},
    "verify": [],
    "components": {},
    "work_log": "",
    "claude": {"command": "claude", "args": [], "notify": "", "note": _NOTE},
    "windows": [
        {"name": "backend:{backend_port}", "dir": "backend", "run": "python manage.py runserver {backend_port}"},
        {"name": "frontend:{frontend_port}", "dir": "frontend", "run": "npm run dev -- --port {frontend_port}"},
        {"name": "claude", "claude": True},
        {"name": "shell"},
        {"name": "cli", "type": "python backend/manage.py "},
    ],
}
