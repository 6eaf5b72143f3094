"""The real Claude Code in the windows of a project, and the API that answers it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing import claude_api, real_claude
from testing.project import Project


@pytest.fixture
def api() -> Iterator[claude_api.Server]:
    """Yield the API that answers what the prompts say."""
    server = claude_api.Server()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(params=real_claude.VERSIONS)
def real(project: Project, sandbox: Path, api: claude_api.Server, request: pytest.FixtureRequest) -> Project:
    """Return the project, in whose windows `claude` is the real one."""
    real_claude.install(request.param, sandbox / "bin")
    home = sandbox / "home"
    (home / ".claude.json").write_text(claude_api.claude_json(project.main))
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_text('{"permissions": {"defaultMode": "default"}}')
    with (home / ".bashrc").open("a") as file:
        file.writelines(f"export {key}={value}\n" for key, value in api.environment.items())
    project.configure("session: {windows: [{name: claude, claude: true}, {name: shell}]}\n")
    return project
