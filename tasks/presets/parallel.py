"""Parallel: branches by date from the remote's main branch, one port, a work log that people read."""

from typing import Any

from . import points

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

SETTINGS: dict[str, Any] = {
    **points.SETTINGS,
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
