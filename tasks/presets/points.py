"""Points: an own database for every session, the ports in the window names."""

from typing import Any

SETTINGS: dict[str, Any] = {
    "numbered": False,
    "worktree": "../{project}-{slug}",
    "branch": "{name}",
    "base": "HEAD",
    "fetch": False,
    "keep_removed": 30,
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
    "windows": [
        {"name": "backend:{backend_port}", "dir": "backend", "run": "python manage.py runserver {backend_port}"},
        {"name": "frontend:{frontend_port}", "dir": "frontend", "run": "npm run dev -- --port {frontend_port}"},
        {"name": "claude", "claude": True},
        {"name": "shell"},
        {"name": "cli", "type": "python backend/manage.py "},
    ],
}
