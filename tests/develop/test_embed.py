"""`inv embed` puts the sessions into repositories of several layouts, and never over what a person wrote."""

import json
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
import yaml

from develop import embedding
from develop.embedding import code, dependencies, files, layout, package
from tasks.config.presets import PRESETS
from tasks.config.schema import Formula
from tasks.config.settings import parse_settings
from tasks.system.version import RECORD
from testing.project import CHECKOUT, INV, Project

_OWN_TASKS = "from invoke import task\n\n\n@task\ndef hello(c):\n    print('hello')\n"


def fill(top: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    subprocess.run(["git", "-C", str(top), "add", "--all"], check=True)


def record_stale(top: Path) -> Path:
    """Let the copy in *top* have a file that the current version has no more; return it."""
    stale, record = top / "tasks" / "gone.py", top / "tasks" / RECORD
    stale.write_text("")
    content = json.loads(record.read_text())
    content["files"]["gone.py"] = code.digest(b"")
    record.write_text(json.dumps(content))
    return stale


def settings(top: Path) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((top / "invoke.yaml").read_text())["session"]
    parse_settings(found)
    return found


def test_a_django_and_vite_project_is_configured_and_a_session_of_it_works(target: Path) -> None:
    fill(target, {
        ".gitignore": ".env\nnode_modules/\n*.sqlite3",
        "api/manage.py": "", "api/db.sqlite3": "", "api/.env": "KEY=hush",
        "web/package.json": '{"scripts": {"dev": "vite --host"}}', "web/pnpm-lock.yaml": "", "web/node_modules/x/y": "",
        "web/.env": "VITE_API_URL=http://127.0.0.1:9999/v1 # here\nSECRET=hush\n", "uv.lock": "",
    })  # fmt: skip

    said = subprocess.run([INV, "embed", str(target)], cwd=CHECKOUT, capture_output=True, text=True, check=True)

    assert "uv add --dev" in said.stdout
    assert "hush" not in said.stdout + (target / "invoke.yaml").read_text()
    found = settings(target)
    assert (found["copy"], found["link"]) == (["api/db.sqlite3", "api/.env", "web/.env"], ["web/node_modules"])
    assert found["env"] == {"web/.env": {"VITE_API_URL": "http://127.0.0.1:{backend_port}/v1"}}
    assert [window.get("run") for window in yaml.safe_load(json.dumps(found["windows"]))][:2] == [
        "python manage.py runserver {backend_port}", "pnpm dev --port {frontend_port}",
    ]  # fmt: skip
    assert (target / ".gitignore").read_text().splitlines()[-3:] == ["/.tally-sessions", ".env.session", "__pycache__/"]
    fill(target, {})
    subprocess.run(["git", "-C", str(target), "commit", "--quiet", "-m", "embed"], check=True)
    project = Project(target)
    project.inv("session.add", "x")
    assert (target.parent / "target-x" / "api" / "db.sqlite3").exists()


def test_tasks_of_their_own_stay_and_ours_join_them(target: Path) -> None:
    fill(target, {"tasks.py": _OWN_TASKS, "manage.py": "", "poetry.lock": ""})

    shown = embedding.embed(target)

    assert (target / "tasks.py").read_text() == _OWN_TASKS
    assert ".join(globals())" in shown
    assert "the lines above" in shown.partition("Next")[2]
    embedding.embed(target, patch=True)
    assert (target / "tasks.py").read_text().startswith(_OWN_TASKS)
    assert "tasks.py" not in embedding.embed(target, patch=True).partition("Next")[0]
    listed = subprocess.run([INV, "--list"], cwd=target, capture_output=True, text=True, check=True).stdout
    assert "hello" in listed
    assert "session.add" in listed
    (target / "tasks").rename(target / "aside")
    for text in ((target / "tasks.py").read_text(), files.NEW):
        (target / "tasks.py").write_text(text)
        alone = subprocess.run([INV, "session.list"], cwd=target, capture_output=True, text=True, check=False)
        assert (alone.returncode, alone.stderr[:23]) == (1, "tasks/ is missing here.")
        assert alone.stderr.count("\n") == 1
    assert settings(target)["windows"] == [
        {"name": "backend:{backend_port}", "run": "python manage.py runserver {backend_port}"},
        {"name": "claude", "claude": True}, {"name": "shell"}, {"name": "cli", "type": "python manage.py "},
    ]  # fmt: skip


def test_the_files_of_a_person_stay_byte_for_byte(target: Path) -> None:
    fill(target, {"api/manage.py": "", "invoke.json": '{"run": {"echo": true}}'})  # an invoke.yaml would hide it
    own = {
        "tasks.py": b"# coding: latin-1\r\nfrom invoke import task\r\n# caf\xe9\r\n",
        ".gitignore": b"tasks\r\n# caf\xe9",
    }
    for name, content in own.items():
        (target / name).write_bytes(content)

    shown = embedding.embed(target, patch=True)

    added = {name: (target / name).read_bytes().removeprefix(content) for name, content in own.items()}
    assert added["tasks.py"].startswith(b"\r\n# The sessions of docs/sessions.md")
    assert added[".gitignore"] == b"\r\n/.tally-sessions\r\n.env.session\r\n__pycache__/\r\n/.venv/\r\n"
    assert not (target / "invoke.yaml").exists()
    assert "Add these settings to it, in its format:" in shown
    following = shown.partition("Next")[2]
    assert "add the settings above to invoke.json" in following
    assert "remove the rule that ignores tasks: " in following
    assert "git add tasks tasks.py docs/sessions.md invoke.json" in following


def test_a_collection_of_their_own_is_joined(target: Path) -> None:
    fill(target, {"tasks.py": f"{_OWN_TASKS}\n\nfrom invoke import Collection\n\nns = Collection(hi=hello)\n"})

    embedding.embed(target, patch=True)

    listed = subprocess.run([INV, "--list"], cwd=target, capture_output=True, text=True, check=True).stdout
    assert "hi" in listed
    assert "session.list" in listed


@pytest.mark.parametrize(("files", "preset"), [
    ({"docker-compose.session.yml": ""}, "dev-session"), ({"Makefile": "new-session:\n"}, "parallel"), ({}, "points"),
])  # fmt: skip
def test_the_preset_that_fits_is_chosen(target: Path, files: dict[str, str], preset: str) -> None:
    if preset not in PRESETS:
        pytest.skip(f"no preset {preset} yet")
    fill(target, files)

    subprocess.run(["git", "-C", str(target), "remote", "add", "origin", "/nowhere"], check=True)

    following = embedding.embed(target).partition("Next")[2]

    assert settings(target)["preset"] == preset
    assert following.endswith("inv session.add" if preset == "dev-session" else "inv session.add try-it")
    assert ("git push" in following) == (preset == "parallel")


@pytest.mark.parametrize(("lock", "inv"), [
    ("uv.lock", "uv run inv"), ("poetry.lock", "poetry run inv"), ("Pipfile.lock", "pipenv run inv"),
    ("", ".venv/bin/inv"),
])  # fmt: skip
def test_what_it_tells_to_run_is_found_where_nobody_activated_the_environment(
    target: Path, lock: str, inv: str
) -> None:
    fill(target, {"pyproject.toml": "", **({lock: ""} if lock else {}), **({"Pipfile": ""} if "Pip" in lock else {})})
    assert embedding.embed(target).endswith(f"\n  {inv} session.add try-it")
    assert (f"activate it, or write {inv}\n" in (target / "docs" / "sessions.md").read_text()) == bool(lock)


def test_requirements_without_a_last_line_end_keep_their_last_line(
    target: Path, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    (target / "sub").mkdir()
    fill(target, {"requirements.txt": f"-r sub/../requirements.txt\n-r {'x' * 100_000}\ndjango"})
    step = embedding.embed(target).partition("Next")[2].splitlines()[1].strip()

    subprocess.run(step.partition(" && ")[0], shell=True, cwd=target, check=True)

    lines = (target / "requirements.txt").read_text().splitlines()
    assert lines[2] == "django" and all(lines) and any(line.startswith("invoke>") for line in lines[3:])


def test_pip_gets_an_environment_where_there_is_none_and_no_package_twice(
    target: Path, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)  # that of the clone: not theirs
    fill(target, {"requirements.txt": "-r base.txt\nPyYAML\n", "base.txt": "Invoke[x]>=2  # theirs\npython.dotenv\n"})

    def install() -> str:
        return embedding.embed(target).partition("Next")[2].splitlines()[1].strip()

    asked = ["invoke>=3", "python_dotenv", "pyyaml[x]", "psutil>=6"]
    assert dependencies.missing_requirements(target, "pip", asked) == ["psutil>=6"]
    assert re.fullmatch(
        r"printf '%s\\n' '.*' >> requirements.txt && python3 -m venv .venv &&"
        r" .venv/bin/pip install -r requirements.txt",
        install(),
    )
    assert "invoke" not in install()
    assert (target / ".gitignore").read_text().splitlines()[-1] == "/.venv/"
    venv.create(target / ".venv")
    monkeypatch.setenv("VIRTUAL_ENV", str(sandbox))  # what is in the repository counts first
    assert "&& python3 -m venv .venv && .venv/bin/pip" in install()  # it has no pip
    (target / ".venv" / "bin" / "pip").touch()
    assert install().endswith("' >> requirements.txt && .venv/bin/pip install -r requirements.txt")
    shutil.rmtree(target / ".venv")
    assert install().endswith("' >> requirements.txt && pip install -r requirements.txt")  # what they have activated


def test_a_path_that_is_left_out_is_asked_for_in_a_sentence() -> None:
    said = subprocess.run([INV, "embed"], cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "inv embed needs the PATH of a repository.\nRun, for example: inv embed ~/Dev/yours\n"


def test_another_version_of_the_package_takes_the_place_of_the_one_before(target: Path) -> None:
    before = "Tally_Sessions==8\n./wheels/tally_sessions-8-py3-none-any.whl\n"
    fill(target, {"requirements.txt": f"a\n# tally-sessions: ours\n{before}"})
    steps = dependencies.install_command(target, "pip", ["tally-sessions==9"]).split(" && ")

    subprocess.run(["sh", "-ec", "\n".join(steps[:3])], cwd=target, check=True)

    assert (target / "requirements.txt").read_text() == "a\n# tally-sessions: ours\ntally-sessions==9\n"
    assert not (target / "requirements.txt.old").exists()


def test_run_again_it_names_only_the_steps_that_remain(target: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(target), "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True)

    embedding.embed(target)
    unfinished = embedding.embed(target).partition("Next")[2]
    git("add", ".")
    git("commit", "--quiet", "-m", "Embed the sessions")
    finished = embedding.embed(target)
    record_stale(target)
    git("add", ".")
    git("commit", "--quiet", "-m", "An earlier version")
    updated = embedding.embed(target).partition("Next")[2].splitlines()[1:]

    assert [word for word in ("pip install", "git add", "inv session.add") if word in unfinished] == [
        "pip install",
        "git add",
        "inv session.add",
    ]
    assert finished.endswith("\n\nNothing remains to be done.")
    paths = "tasks tasks.py docs/sessions.md invoke.yaml .gitignore"
    assert updated == [f"  git add {paths} && git commit -m 'Update the sessions'"]


def test_what_nobody_has_committed_yet_is_found_and_what_was_installed_is_not(target: Path) -> None:
    vite = '{"scripts": {"dev": "vite"}}'
    fill(target, {"README": ""})
    for file in ("api/manage.py", "api/web/package.json", "node_modules/package.json"):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        (target / file).write_text(vite)

    found = layout.find_layout(target)

    assert (found.django, found.frontend) == ("api", layout.Frontend("api/web", "npm"))
    assert found.uncommitted == ("api",)
    assert "  commit api, too: a session has only what is committed\n" in embedding.embed(target)
    fill(target, {})
    assert layout.find_layout(target).uncommitted == ()


def test_names_and_values_that_are_no_utf_8_are_nobody_s_business(target: Path) -> None:
    fill(target, {".gitignore": ".env\n", "web/package.json": '{"scripts": {"dev": "vite"}}', "empty": ""})
    blob = subprocess.check_output(["git", "-C", str(target), "hash-object", "empty"], text=True).strip()
    odd = f"100644,{blob},caf\udce9"  # only in the index: macOS has no files that are called so
    subprocess.run(["git", "-C", str(target), "update-index", "--add", "--cacheinfo", odd], check=True)
    (target / ".env").write_bytes(b"NAME=caf\xe9\nAPI_URL=http://localhost:1/\n")

    embedding.embed(target)

    assert settings(target)["copy"] == [".env"]


def test_tally_has_the_windows_of_its_preset(target: Path) -> None:
    fill(target, {"manage.py": "", "package.json": '{"scripts": {"dev": "vite"}}'})

    embedding.embed(target, preset="tally")

    windows: Any = settings(target)["windows"]
    assert [window["name"] for window in windows] == [window["name"] for window in PRESETS["tally"]["windows"]]


def test_a_configuration_of_dev_session_is_converted_or_shown(target: Path) -> None:
    fill(target, {"session.config.mjs": "export default { portBase: 30000, more: 1 }\n", "invoke.yaml": "run: {}\n"})

    shown = embedding.embed(target)

    assert "  preset: dev-session\n" in shown
    assert "add the settings above to invoke.yaml" in shown.partition("Next")[2]
    (target / "invoke.yaml").unlink()
    said = embedding.embed(target)
    assert said.endswith("inv session.add")
    assert "Converted session.config.mjs." in said
    assert parse_settings(settings(target)).ports == Formula(30000, 100, PRESETS["dev-session"]["ports"]["offsets"])


def test_unchanged_tasks_are_updated_and_changed_ones_are_shown(target: Path) -> None:
    embedding.embed(target)
    stale = record_stale(target)

    assert "Updated tasks/" in embedding.embed(target)
    assert not stale.exists()

    (target / "tasks" / "errors.py").write_text("mine = 1\n")
    with pytest.raises(embedding.EmbedError, match=r"\+mine = 1"):
        embedding.embed(target)
    assert (target / "tasks" / "errors.py").read_text() == "mine = 1\n"
    ours = package.MARKS.encode() + (package.OURS / "errors.py").read_bytes()
    (target / "tasks" / "errors.py").write_bytes(ours.replace(b"\n", b"\r\n"))  # as git checks it out for some
    embedding.embed(target)
    (target / "tasks" / "notes").write_bytes(b"\xff")
    with pytest.raises(embedding.EmbedError, match=r"only yours/notes[\s\S]+inv embed .+/target --force$"):
        embedding.embed(target)
    assert "Your changed copy is in tasks.yours/." in embedding.embed(target, force=True)
    assert (target / "tasks.yours" / "notes").exists()
    assert "tasks/ is up to date: version " in embedding.embed(target)


def test_what_is_in_the_way_is_told_before_anything_is_written(target: Path, sandbox: Path) -> None:
    (target / "tasks").mkdir()
    with pytest.raises(embedding.EmbedError, match="inv embed did not write it"):
        embedding.embed(target)
    shutil.rmtree(target / "tasks")
    (target / "tasks").symlink_to("nowhere")
    with pytest.raises(embedding.EmbedError, match="inv embed did not write it"):
        embedding.embed(target)
    (target / "tasks").unlink()
    (target / "tasks.py").mkdir()
    with pytest.raises(embedding.EmbedError, match=r"tasks\.py is not a file"):
        embedding.embed(target)
    (target / "tasks.py").rmdir()
    (target / "tasks.py").write_text("from celery import shared_task\n")
    with pytest.raises(embedding.EmbedError, match="not a file of Invoke"):
        embedding.embed(target)
    (target / "tasks.py").unlink()
    with pytest.raises(embedding.EmbedError, match=r"No preset 'x'\. Known: points"):
        embedding.embed(target, "x")
    wrong = (
        (sandbox, "not in a git repository"),
        (sandbox / "no", "not a directory"),
        (CHECKOUT, "come from"),
        (target / ".git", "no working tree"),
    )
    for place, message in wrong:
        with pytest.raises(embedding.EmbedError, match=message):
            embedding.embed(place)
    (target / ".git" / "config").write_text("[")
    with pytest.raises(embedding.EmbedError, match="bad config"):
        embedding.embed(target)
    assert [path.name for path in target.iterdir()] == [".git"]


def test_an_existing_configuration_stays_and_the_part_to_add_is_shown(target: Path) -> None:
    fill(target, {"invoke.yaml": "run: {echo: true}\n"})

    shown = embedding.embed(target)

    assert "session:\n  preset: points" in shown
    assert (target / "invoke.yaml").read_text() == "run: {echo: true}\n"


def test_the_refusal_is_one_line_without_a_traceback(sandbox: Path) -> None:
    said = subprocess.run([INV, "embed", "/nowhere"], cwd=CHECKOUT, capture_output=True, text=True, check=False)

    expected = "/nowhere is not a directory. Give the main checkout of a git repository.\n"
    assert (said.returncode, said.stderr) == (1, expected)
