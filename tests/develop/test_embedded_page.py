"""The page that `inv embed` puts beside the sessions, and what it says of versions."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from develop import embedding
from develop.embedding import manual, releases
from tasks.config.settings import parse_settings
from tasks.system.version import RECORD, VERSION
from testing import transcript
from testing.project import CHECKOUT


def test_the_reference_goes_along_is_kept_current_and_never_over_a_person_s_words(target: Path) -> None:
    embedding.embed(target)
    page = target / manual.PAGE
    text = page.read_text()

    assert [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith(("#", "https:"))] == []
    headings = {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in text.splitlines()
                if line.startswith("#")}  # fmt: skip
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings
    assert len([parse_settings(yaml.safe_load(each)["session"]) for each in transcript.blocks(page, "yaml")
                if "session" in yaml.safe_load(each)]) > 5  # fmt: skip
    assert VERSION in text
    page.write_text(text.replace("Settings are Invoke's", "  Settings are   Invoke's"))  # as a formatter does
    assert f"Updated {manual.PAGE}." in embedding.embed(target)
    assert page.read_text() == text
    page.write_text(text.replace("Settings are Invoke's", "Mine"))
    assert f"Kept {manual.PAGE}" in embedding.embed(target)
    assert "Mine" in page.read_text()


def test_an_update_shows_what_the_changelog_says_since_then(
    target: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n- One.\n- Two, in\n  two lines.\n")
    monkeypatch.setattr(releases, "_TOP", tmp_path)
    for words in (
        ("init", "--quiet"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "1"),
    ):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    embedding.embed(target)
    record = target / "tasks" / RECORD
    old = json.loads(record.read_text())
    assert (old["version"], len(old["commit"])) == (VERSION, 40)
    with (tmp_path / "CHANGELOG.md").open("a") as file:
        file.write("- Three.\n")
    (target / "tasks" / "errors.py").unlink()  # so that there is something to update
    record.write_text(json.dumps({**old, "files": {k: v for k, v in old["files"].items() if k != "errors.py"}}))

    said = embedding.embed(target)

    assert f"Updated tasks/: version {VERSION} ({old['commit'][:10]}).\nNew since then:\n  - Three.\n" in said
    assert "Two" not in said
    assert releases.changes_since("", "") == []


def test_the_changelog_has_entries_that_are_found() -> None:
    text = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert len(releases._ENTRY.findall(text)) == len(re.findall(r"(?m)^- ", text)) > 20


@pytest.mark.parametrize(
    ("present", "lines"),
    [
        ("requirements.txt", ["python3 -m venv .venv && source .venv/bin/activate", "pip install -r requirements.txt"]),
        (
            "venv/pyvenv.cfg",
            ["python3 -m venv venv && source venv/bin/activate", "pip install -r requirements-dev.txt"],
        ),
        ("environment.yml", ["pip install -r requirements-dev.txt"]),
        ("uv.lock", ["uv sync", "# inv is in the environment of uv: activate it, or write uv run inv"]),
    ],
)
def test_it_says_how_a_colleague_gets_inv(target: Path, present: str, lines: list[str]) -> None:
    (target / present).parent.mkdir(exist_ok=True)
    (target / present).write_text("")

    embedding.embed(target)

    block = (target / manual.PAGE).read_text().partition("```sh\n")[2]
    assert block.partition("\ninv session.add")[0].splitlines() == lines
