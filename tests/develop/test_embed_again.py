"""Embedding again shows what was found and the configuration does not have; --patch adds it to what a person wrote."""

import subprocess
from pathlib import Path

import yaml

from develop import embedding

_VITE = '{"scripts": {"dev": "vite"}}'
_LINES = (
    "# ours", "session:  # all of it", "  preset: points", "  copy: [x]  # mine", "  windows:", "  - name: claude",
    "    claude: true", "  # the end",
)  # fmt: skip
_OWN = "".join(f"{line}\r\n" for line in _LINES)


def _write(top: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(text.encode())
    subprocess.run(["git", "-C", str(top), "add", "--all"], check=True)


def test_a_new_app_and_an_install_are_shown_then_added_and_nothing_else_changes(target: Path) -> None:
    _write(target, {".gitignore": ".env\n", "invoke.yaml": _OWN, "tasks.py": "from invoke import task\n"})
    embedding.embed(target, patch=True)
    before = (target / "invoke.yaml").read_bytes()
    _write(target, {"web/package.json": _VITE, "web/yarn.lock": "", "web/.env": "A=http://localhost:5173\n"})

    shown = embedding.embed(target)

    assert before == (target / "invoke.yaml").read_bytes() == _OWN.encode()
    for line in (
        "  + ports.frontend_port: 5174", '  + copy: "web/.env"', '  + link: "web/node_modules"',
        '  + env → web/.env → A: "http://localhost:{frontend_port}"',
        '  + windows: {"name": "frontend:{frontend_port}", "dir": "web", "run": "yarn dev --port {frontend_port}"}',
        "run in the main checkout: cd web && yarn install",
    ):  # fmt: skip
        assert line in shown, line
    embedding.embed(target, patch=True)
    after = (target / "invoke.yaml").read_bytes().decode()
    assert [line for line in ("# ours", "session:  # all of it", "  # mine", "  # the end") if line not in after] == []
    assert after.count("\r\n") == after.count("\n")
    session = yaml.safe_load(after)["session"]
    assert (session["copy"], session["preset"], len(session["windows"])) == (["x", "web/.env"], "points", 2)
    assert "It has all that was found." in embedding.embed(target)


def test_what_a_person_doesn_t_want_is_not_shown_again(target: Path) -> None:
    _write(target, {"web/package.json": _VITE, "invoke.yaml": "session: {preset: points, windows: []}\n"})
    shown = embedding.embed(target)
    assert "# without: window frontend" in shown

    (target / "invoke.yaml").write_text("session: {windows: []}\n# without: window frontend, link web/node_modules\n")

    assert "It has all that was found." in embedding.embed(target)


def test_a_form_that_no_program_can_add_to_is_left_alone(target: Path) -> None:
    text = "base: &base {copy: [a]}\nsession:\n  <<: *base\n  windows: []\n"
    _write(target, {".gitignore": ".env\n", ".env": "A=1\n", "invoke.yaml": text})

    said = embedding.embed(target, patch=True)

    assert '  + copy: ".env"\nNo program can add that' in said
    assert (target / "invoke.yaml").read_text() == text
