"""The systems that a project can start its configuration from."""

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


# Their flags as `--help` of codex 0.171.0, gemini 0.61.0, copilot 1.0.102 and opencode 1.18.33 has them. Codex would
# begin a process that all of its conversations share, and that would end with the session that began it; without -C it
# asks whether a copy works in the worktree of the original. OpenCode's copy stays there, so it has no `fork`.
_AGENTS = {
    "codex": {
        "command": "codex", "begin": ["--no-daemon"], "resume": ["resume", "--no-daemon", "-C", "{worktree}", "{id}"],
        "fork": ["fork", "--no-daemon", "-C", "{worktree}", "{from}"], "find": "codex", "state": "codex",
    },
    "gemini": {
        "command": "gemini", "begin": ["--session-id", "{id}"], "resume": ["--resume", "{id}"],
        "find": "gemini",
    },
    "copilot": {
        "command": "copilot", "begin": ["--session-id", "{id}"], "resume": ["--session-id", "{id}"], "prompt": ["-i"],
    },
    "opencode": {
        "command": "opencode", "resume": ["--session", "{id}"], "prompt": ["--prompt"], "find": "opencode",
        "state": "opencode",
    },
}  # fmt: skip


POINTS: dict[str, Any] = {
    "numbered": False,
    "worktree": "../{project}-{slug}",
    "branch": "{name}",
    "base": "HEAD",
    "fetch": False,
    "keep_removed": 30,
    "keep_removed_size": "5 GB",
    "wait": 60,
    "hosts": {},
    "pull_requests": True,
    "host_timeout": 10,
    "ports": {"backend_port": 8000, "frontend_port": 5000},
    "copy": ["backend/db.sqlite3", "backend/.env", "frontend/.env"],
    "link": ["frontend/node_modules"],
    "thin": [],
    "env": {"frontend/.env": {"VITE_API_URL": "http://localhost:{backend_port}"}},
    "databases": {},
    "env_file": "",
    "app_env": {},
    "variables": {},
    "date": "%Y-%m-%d",
    "host": "",
    "setup": [],
    "teardown": [],
    "compose": {},
    "verify": [],
    "components": {},
    "work_log": "",
    "claude": {"command": "claude", "args": [], "notify": "", "note": _NOTE},
    "agents": _AGENTS,
    "windows": [
        {"name": "backend:{backend_port}", "dir": "backend", "run": "python manage.py runserver {backend_port}"},
        {"name": "frontend:{frontend_port}", "dir": "frontend", "run": "npm run dev -- --port {frontend_port}"},
        {"name": "claude", "claude": True},
        {"name": "shell"},
        {"name": "cli", "type": "python backend/manage.py "},
    ],
}


_BACKEND, _FRONTEND, _CLAUDE = POINTS["windows"][:3]


TALLY: dict[str, Any] = {
    **POINTS,
    "copy": ["backend/.env", "frontend/.env"],
    "link": ["frontend/node_modules", "backend/db.sqlite3"],
    "windows": [{**_BACKEND, "name": "backend"}, {**_FRONTEND, "name": "frontend"}, _CLAUDE],
}


_HEAD = """\
### Session: {name}
- **Branch**: `{branch}`
- **Component**: {component}
- **Started**: {started}
- **Status**: {status}
- **Issue**: {issue}
- **Files**:
"""


_FEATURE = (
    _HEAD
    + """\
  - [ ] Create service: `internal_assistant/server/{slug}/{slug}_service.py`
  - [ ] Create router: `internal_assistant/server/{slug}/{slug}_router.py`
  - [ ] Add tests: `tests/server/{slug}/test_{slug}.py`
  - [ ] Update docs: `docs/developer/{slug}.md`
- **ETA**: {eta}
"""
)


_FIX = (
    _HEAD
    + """\
  - [ ] Fix in: [file path]
  - [ ] Add test: [test file]
  - [ ] Update changelog
- **ETA**: {eta}
"""
)


# The guide's files are those of its component `server`; another one has its own.
_COMPONENT = (
    _HEAD
    + """\
  - [ ] Work in: {paths}
  - [ ] Add tests: `tests/{component}/{slug}/test_{slug}.py`
  - [ ] Update docs: `docs/developer/{slug}.md`
- **ETA**: {eta}
"""
)


_TEMPLATES = {"feature": _FEATURE, "fix": _FIX, "server": _FEATURE, "component": _COMPONENT}
WORK_LOG: dict[str, Any] = {"file": "WORK_LOG.md", "templates": _TEMPLATES}


PARALLEL: dict[str, Any] = {
    **POINTS,
    "branch": "session-{date}-{name}",
    "date": "%Y%m%d",
    "base": "origin/main",
    "fetch": True,
    "ports": {"app_port": 8001},
    "copy": [],
    "link": [],
    "env": {},
    "variables": {"UVICORN_PORT": "{app_port}", "PGPT_PROFILES": "{profile}"},
    "work_log": WORK_LOG,
    "windows": [
        {"name": "server", "run": "make run", "needs": "Makefile"},
        {"name": "claude", "claude": True},
        {"name": "shell"},
    ],
}


DEV_SESSION: dict[str, Any] = {
    **POINTS,
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


PRESETS: dict[str, dict[str, Any]] = {
    "points": POINTS,
    "tally": TALLY,
    "parallel": PARALLEL,
    "dev-session": DEV_SESSION,
}
