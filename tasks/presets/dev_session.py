"""Dev-session: numbered sessions, ports by formula, `.env.session` files."""

from typing import Any

from . import points

SETTINGS: dict[str, Any] = {
    **points.SETTINGS,
    "numbered": True,
    "worktree": "../{project}-sessions/session-{name}",
    "branch": "session/{date}/{name}",
    "ports": {"base": 47000, "stride": 100, "offsets": {"APP_PORT": 0, "POSTGRES_PORT": 10, "REDIS_PORT": 11}},
    "copy": [],
    "link": [],
    "env": {},
    "env_file": ".env.session",
    "variables": {"SESSION_ID": "{name}", "COMPOSE_PROJECT_NAME": "{project}-{name}"},
    "compose": {"file": "docker-compose.session.yml"},
    "windows": [{"name": "claude", "claude": True}, {"name": "shell"}],
}
