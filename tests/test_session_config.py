"""A project's `session.config.mjs` is read through node, once, and means what it says there."""

import os
from pathlib import Path

import dotenv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.config import placeholders, session_config
from tasks.errors import SessionError
from tasks.settings import load
from tests import port_slot
from tests.project import Project

_BASE = 17000 + port_slot.own()
_FILE = """
import { appendFileSync } from 'node:fs';
appendFileSync(process.cwd() + '/../runs', 'once\\n');
console.log('the file may print');
export default {
  projectName: 'shop',
  portBase: @BASE@,
  sessionsDir: '../elsewhere/',
  ports: { APP_PORT: 0, POSTGRES_PORT: 3 },
  appEnv: { frontend: { DATABASE_URL: 'postgres://localhost:${POSTGRES_PORT}/d', FORM: '{json} {{x}} ${NOPE}' } },
  envFiles: ['backend/.env', 'absent/.env'],
  setup: ['echo "$APP_PORT $DATABASE_URL {left}" > set.sqlite3'],
  theirs: true,
};
""".replace("@BASE@", str(_BASE))


def config(project: Project, text: str = _FILE, name: str = "session.config.mjs") -> Path:
    """Commit *text* as the configuration of *project*; nothing else is configured, but by the person for everybody."""
    (Path.home() / ".invoke.yaml").write_text("session: {preset: tally, windows: [], ports: {a: 1}, compose: {}}\n")
    if (project.main / "invoke.yaml").exists():
        project.unconfigure()
    file = project.main / name
    file.write_text(text)
    project.git("add", name)
    project.git("commit", "--quiet", "-m", "configure")
    return file


def test_a_project_of_the_dev_session_tool_just_works(project: Project) -> None:
    file = config(project)
    said = project.inv("session.create", "001", "--json")

    tree = project.top / "elsewhere" / "session-001"
    database = f"postgresql://postgres:postgres@localhost:{_BASE + 103}/postgres"
    assert (project.top / "runs").read_text() == "once\n"
    assert dotenv.dotenv_values(tree / ".env.session") == {
        "SESSION_ID": "001", "COMPOSE_PROJECT_NAME": "shop-001", "APP_PORT": f"{_BASE + 100}",
        "POSTGRES_PORT": f"{_BASE + 103}",
    }  # fmt: skip
    app = dotenv.dotenv_values(tree / "frontend" / ".env.session", interpolate=False)
    assert app["DATABASE_URL"] == f"postgres://localhost:{_BASE + 103}/d"
    assert app["FORM"] == "{json} {{x}} ${NOPE}"
    assert dotenv.dotenv_values(tree / "backend" / ".env") == {"SECRET_KEY": 'a # "b" $c', "DATABASE_URL": database}
    assert not (tree / "absent").exists()
    assert (tree / "set.sqlite3").read_text() == f"{_BASE + 100} {database} {{left}}\n"
    assert said.json["setup_failed"] == []
    assert "theirs means nothing here and is left out" in said.err
    assert "the file may print" not in said.out + said.err
    project.inv("session.list")
    project.inv("session.stop", "001")
    assert (project.top / "runs").read_text() == "once\n"

    file.write_text(_FILE.replace("{left}", "{new}"))
    refused = project.inv("session.add", code=1).err
    assert "{{new}}" in refused
    assert "--yes" in refused
    project.configure("session: {branch: 'b/{name}', env: {}}\n")
    (project.top / "runs").unlink()
    assert "on new branch b/x from main" in project.inv("session.add", "x", "--dry-run").out
    assert not (project.top / "runs").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("export default {\n  ports: [}\n", r":2: SyntaxError: Unexpected token '}'$"),
        ("\nthrow new Error('no\\nluck')\n", r":2: Error: no$"),
        ("import x from 'absent-package'\n", r": Error \[ERR_MODULE_NOT_FOUND\]: Cannot find package 'absent-package'"),
        ("await new Promise(() => {})\n", r": node ended without an answer"),
        ("export default { portBase: 1n }\n", r": TypeError: Do not know how to serialize a BigInt$"),
        ("export const portBase = 1\n", r": has no settings; expected: export default"),
        ("export default [1]\n", r": has no settings"),
        ("export default { portBase: '47000' }\n", r": portBase: expected a port number, found str '47000'$"),
        ("export default { ports: { APP_PORT: '0' } }\n", r": ports.APP_PORT: expected a whole number"),
        ("export default { appEnv: { '../x': {} } }\n", r": appEnv.../x: .* leaves the repository"),
        ("export default { setup: 'pnpm install' }\n", r": setup: expected a list"),
    ],
)
def test_a_broken_file_is_one_line_that_names_it(sandbox: Path, text: str, message: str) -> None:
    file = sandbox / "session.config.mjs"
    file.write_text(text)

    with pytest.raises(SessionError) as error:
        session_config.settings(file)

    assert error.match(f"^{file}{message}")
    assert "\n" not in str(error.value)


def test_a_file_that_never_ends_is_given_up(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_config, "_SECONDS", 0.1)
    file = sandbox / "session.config.mjs"
    file.write_text("setInterval(() => {}, 1000); await new Promise(() => {})\n")

    with pytest.raises(SessionError, match=r"it did not end within 0\.1 seconds"):
        session_config.settings(file)


def test_without_node_it_is_told_what_needs_it(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)

    with pytest.raises(SessionError, match=r"session\.config\.mjs needs node, which is not on PATH; install Node\.js"):
        session_config.settings(sandbox / "session.config.mjs")


def test_a_file_that_says_little_is_the_preset(sandbox: Path) -> None:
    file = sandbox / "session.config.js"
    file.write_text(
        "module.exports = Promise.resolve({ portBase: 30000, apps: ['web'], sessionsDir: '/abs/{here}' })\n"
    )

    found = session_config.settings(file)
    file.write_text("throw new Error('it ran twice')\n")

    assert session_config.settings(file) == session_config.known(file) == found
    by_hand = {"preset": "dev-session", "worktree": "/abs/{{here}}/session-{name}", "compose": {"profiles": ["web"]}}
    offsets = {"APP_PORT": 0, "POSTGRES_PORT": 10, "REDIS_PORT": 11}
    assert load(found) == load({**by_hand, "ports": {"base": 30000, "offsets": offsets}})


@given(st.text(alphabet="${}ab1 _-", max_size=12))
def test_what_they_write_in_braces_stays_as_it_is(text: str) -> None:
    assert placeholders.expand(session_config._literal(text), {}, "setup") == text
