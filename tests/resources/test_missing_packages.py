"""`add` names what installs the packages that the main checkout lacks, and knows the ports that commands name."""

import pytest

from tasks.model import named_ports
from testing.project import Project


def test_a_missing_node_modules_is_named_with_the_command_of_its_own_manager(project: Project) -> None:
    project.configure(
        "session: {windows: [], copy: [], env: {}, link: [node_modules, web/node_modules, apps/a/node_modules,"
        " apps/b/node_modules]}\n"
    )
    for file in ("package.json", "package-lock.json", "web/package.json", "web/pnpm-lock.yaml", "apps/a/package.json"):
        (project.main / file).parent.mkdir(parents=True, exist_ok=True)
        (project.main / file).write_text('{"devDependencies": {"vite": "6"}}')
    (project.main / "apps/b").mkdir()
    (project.main / "apps/b/package.json").write_text('{"name": "b", "dependencies": {}}')
    project.git("add", ".")
    project.git("commit", "--quiet", "-m", "apps")

    said = project.inv("session.add", "x").err

    assert "web/node_modules is missing in the main checkout, so x has none. Install it there.\n" in said
    assert "apps/b" not in said
    commands = [line for line in said.splitlines() if line.startswith("Run: cd")]
    assert commands == [
        f"Run: cd {project.main} && npm ci", f"Run: cd {project.main / 'web'} && pnpm install",
        f"Run: cd {project.main} && npm ci",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "ports"),
    [
        ("python manage.py runserver 8001", {8001}), ("PORT=8001 npm start", {8001}), ("serve --port=8001", {8001}),
        ("python manage.py runserver 0.0.0.0:8001", {8001}), ("gunicorn -b :8001 app", {8001}),
        ("API=http://localhost:8001 npm run dev -- --port 5001", {5001}), ("WEB_PORT='8001' make dev", set()),
        ("serve 'http://localhost:8001'", set()),
    ],
)  # fmt: skip
def test_a_command_names_the_ports_that_it_listens_on(command: str, ports: set[int]) -> None:
    assert named_ports(command) - {0} == ports
