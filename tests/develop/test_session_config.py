"""`inv embed` converts a `session.config.mjs` once, and the sessions behave as it says."""

import os
from pathlib import Path

import dotenv
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from develop import embedding
from develop.embedding import session_config
from tasks.config import placeholders
from tasks.config.settings import parse_settings
from tasks.errors import SessionError
from testing import port_slot
from testing.project import Project

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


def embed(project: Project) -> str:
    """Embed the sessions into *project* as a person does, commit all of it, and return what was said."""
    said = embedding.embed(project.main)
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "embed")
    return said


@pytest.fixture
def theirs(project: Project) -> Project:
    """Return a project of the dev-session tool; sessions are configured by the person alone, for every project."""
    (Path.home() / ".invoke.yaml").write_text("session: {preset: tally, windows: []}\n")
    project.unconfigure()
    (project.main / "tasks").unlink()
    (project.main / "session.config.mjs").write_text(_FILE)
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "configure")
    return project


def test_a_project_of_the_dev_session_tool_just_works(theirs: Project) -> None:
    project = theirs
    said = embed(project)
    assert (
        "Converted session.config.mjs.\nLeft out theirs of session.config.mjs: there is no such setting here." in said
    )
    made = project.inv("session.create", "001", "--json")

    tree = project.top / "elsewhere" / "session-001"
    database = f"postgresql://postgres:postgres@localhost:{_BASE + 103}/postgres"
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
    assert made.json["setup_failed"] == []
    project.inv("session.stop", "001")
    assert (project.top / "runs").read_text() == "once\n"

    (project.main / "session.config.mjs").write_text("throw new Error('it ran twice')\n")
    assert "Kept invoke.yaml: it has a `session:` part." in embed(project)
    project.inv("session.add", "--dry-run")


@pytest.mark.parametrize("name", ["session.config.mjs", "session.config.js"])
def test_one_that_is_not_converted_is_refused_with_the_command(project: Project, name: str) -> None:
    project.inv("session.add", "x")
    project.unconfigure()
    (project.main / name).write_text("throw new Error('it ran')\n")

    said = project.inv("session.add", "y", code=1).err

    place = project.main
    assert said == (
        f"{place / name} is not read: its settings must be in invoke.yaml.\n"
        f"Convert it once, in your clone of Tally Sessions.\nRun: inv embed {place}\n"
    )
    for task in ("list", "stop", "start", "remove"):  # what was added before is as it was
        project.inv(f"session.{task}", *([] if task == "list" else ["x"]))
    project.configure("session: {branch: 'b/{name}', windows: []}\n")
    assert "on new branch b/x from main" in project.inv("session.add", "x", "--dry-run").out


def test_what_an_earlier_version_wrote_beside_it_is_replaced(theirs: Project) -> None:
    file = theirs.main / "invoke.yaml"
    old = "# Sessions: complete places to work.\n# session.config.mjs is read as it is; a `session:` here …\n# mine\n"
    file.write_text(old)

    assert "Added `session:` to invoke.yaml." in embed(theirs)

    text = file.read_text()
    assert text.startswith("# yamllint disable-file\n# mine\n# yaml-language-server: ")
    assert "as it is" not in text
    theirs.inv("session.add", "--dry-run")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("export default {\n  ports: [}\n", r":2: SyntaxError: Unexpected token '}'$"),
        ("\nthrow new Error('no\\nluck')\n", r":2: Error: no$"),
        ("import x from 'absent-package'\n", r": Error \[ERR_MODULE_NOT_FOUND\]: Cannot find package 'absent-package'"),
        ("await new Promise(() => {})\n", r": node ended without an answer"),
        ("export default { portBase: 1n }\n", r": TypeError: Do not know how to serialize a BigInt$"),
        ("export const portBase = 1\n", r" has no settings\. Expected: export default"),
        ("export default [1]\n", r" has no settings"),
        ("export default { portBase: '47000' }\n", r": portBase must be a port number, not .47000.\.$"),
        ("export default { ports: { APP_PORT: '0' } }\n", r": ports.APP_PORT must be a whole number"),
        ("export default { appEnv: { '../x': {} } }\n", r": appEnv.../x: .* is outside of the repository"),
        ("export default { setup: 'pnpm install' }\n", r": setup must be a list"),
    ],
)
def test_a_broken_file_is_one_line_that_names_it(sandbox: Path, text: str, message: str) -> None:
    file = sandbox / "session.config.mjs"
    file.write_text(text)

    with pytest.raises(SessionError) as error:
        session_config.convert_session_config(file)

    assert error.match(f"^{file}{message}")
    assert "\n" not in str(error.value)


def test_a_file_that_never_ends_is_given_up(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_config, "_SECONDS", 0.1)
    file = sandbox / "session.config.mjs"
    file.write_text("setInterval(() => {}, 1000); await new Promise(() => {})\n")

    with pytest.raises(SessionError, match=r"it did not end within 0\.1 seconds"):
        session_config.convert_session_config(file)


def test_without_node_it_is_told_what_needs_it(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)

    with pytest.raises(SessionError, match=r"session\.config\.mjs is a program for node, which is not on PATH\."):
        session_config.convert_session_config(sandbox / "session.config.mjs")


def test_a_file_that_says_little_is_the_preset(sandbox: Path) -> None:
    file = sandbox / "session.config.js"
    file.write_text(
        "module.exports = Promise.resolve({ portBase: 30000, apps: ['web'], sessionsDir: '/abs/{here}' })\n"
    )

    text = session_config.session_text(session_config.convert_session_config(file)[0])

    by_hand = {"preset": "dev-session", "worktree": "/abs/{{here}}/session-{name}", "compose": {"profiles": ["web"]}}
    offsets = {"APP_PORT": 0, "POSTGRES_PORT": 10, "REDIS_PORT": 11}
    converted = parse_settings(yaml.safe_load(text)["session"])
    assert converted == parse_settings({**by_hand, "ports": {"base": 30000, "offsets": offsets}})


@given(st.text(alphabet="${}ab1 _-", max_size=12))
def test_what_they_write_in_braces_stays_as_it_is(text: str) -> None:
    assert placeholders.expand_placeholders(session_config._literal(text), {}, "setup") == text
