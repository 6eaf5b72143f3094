"""The documentation: its generated parts are current, its links lead somewhere, and it names every error message."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from develop import manual, recording
from develop.manual import messages
from develop.manual.keys import DESCRIPTIONS
from tasks.config.keys import CHECKS
from tests.project import CHECKOUT

_DOCS = CHECKOUT / "docs"
_PAGES = sorted(_DOCS.rglob("*.md"))
_ROW = re.compile(r"^\| (?:`` (.+?) ``|`([^`]+)`) \| (.+) \|$", re.M)

_SOURCE = """
_HINTS = {"a": "say ${PORT}"}
_OTHER = {"b": "not told"}
def unusable(): return f"{name} is gone"
def _said(x): return f"not {x}{x} yet" if x else ""
def f(x):
    why = "one" if x else "two"
    raise SessionError(why)
def g(x):
    raise SessionError(_said(x))
def h():
    raise wrong("k", "a list", 1)
    raise SessionError(str(error))
    raise EmbedError("split\\n  over" f" {lines}")
    raise ValueError("a bug")
def i():
    fail([*failed, *([f"{n} remain"] if n else [])])
    raise SessionError("\\n".join(lines))
"""


def test_the_fixed_words_of_messages_are_found_wherever_they_are_written() -> None:
    found = sorted(words for _line, words in messages.of(_SOURCE))

    assert found == sorted([
        "say ${PORT}", "… is gone", "one", "two", "not … yet", "session.…: expected a list, found …", "split over …",
        "… remain",
    ])  # fmt: skip


def test_every_message_is_in_the_troubleshooting_page_and_no_other() -> None:
    page = (_DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    told = [(double or single).replace("\\|", "|") for double, single, _meaning in _ROW.findall(page)]
    raised = messages.every()

    assert {words: places for words, places in raised.items() if words not in told} == {}, "no row says what they mean"
    assert set(told) - set(raised) == set(), "nothing says this any more"
    assert len(told) == len(set(told))


def test_every_key_of_the_configuration_is_described_once() -> None:
    assert set(DESCRIPTIONS) == set(CHECKS)


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_DOCS)))
def test_the_generated_parts_are_what_the_code_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert manual.filled(text) == text, "to write them: inv docs"


def test_every_link_leads_somewhere_and_every_page_can_be_found(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install '.[docs]'")

    manual.build(tmp_path / "site")

    assert len(list((tmp_path / "site").rglob("*.html"))) >= len(_PAGES)


def test_an_example_of_configuration_in_the_pages_is_one() -> None:
    import yaml

    from tasks.settings import load

    blocks = [block for page in _PAGES for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)]
    configured = [yaml.safe_load(block) for block in blocks]

    assert len([load(each["session"]) for each in configured if "session" in each]) > 6


def test_the_recording_shows_every_command_and_fetches_nothing() -> None:
    text = (_DOCS / "demo.svg").read_text(encoding="utf-8")

    said = "".join(ET.fromstring(text).itertext()).replace("\xa0", " ")

    assert [command for command in recording.COMMANDS if f"$ {command}" not in said] == []
    assert "url(" not in text
    assert re.findall(r"https?://(?!localhost:\d|www\.w3\.org/2000/svg)\S+", text) == []


def test_frames_become_one_picture_that_ends_with_the_last() -> None:
    pytest.importorskip("rich", reason="rich is not installed: pip install '.[docs]'")

    made = recording.svg([(1.0, "$ one"), (3.0, "$ one\n\x1b[31mtwo <&>\x1b[0m")])

    pictures = [group for group in ET.fromstring(made).iter() if group.get("id", "").startswith("s")]
    assert ["".join(each.itertext()).split() for each in pictures] == [["$", "one"], ["$", "one", "two", "<&>"]]
    assert "@keyframes k0{0.000%{visibility:visible}25.000%{visibility:hidden}}" in made
    assert "#s1{visibility:visible;animation:k1 4.0s step-end infinite}" in made
