"""The manual: generated parts are current, links work, examples run, and nothing is missing."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from invoke import Collection

from develop import dashboard_pictures, manual, recording, screens
from develop.manual import messages
from tasks.collection import ns
from tasks.config.descriptions import DESCRIPTIONS
from tasks.config.presets import PRESETS
from tasks.config.schema import CHECKS
from tasks.config.settings import parse_settings
from testing import transcript
from testing.project import CHECKOUT, EMBEDDING, Project

_DOCS = CHECKOUT / "docs"
_PAGES = sorted(_DOCS.rglob("*.md"))
_ROW = re.compile(r"^\| ((?:(?:``.+?``|`[^`]+`)(?:<br>)?)+) \| [^|]+ \| [^|]+ \|$", re.M)
_WORDS = re.compile(r"`` (.+?) ``|`([^`]+)`")

_PRESET = re.compile(r"^### (\S+)\n\n```yaml\n(.*?)^```$", re.M | re.S)
_INVOKES = ("--core-opts", "--options")

_SOURCE = """
_HINTS = {"a": "say ${PORT}"}
_OTHER = {"b": "not told"}
def why_unusable(): return f"{name} is gone"
def _said(x): return f"not {x}{x} yet" if x else ""
def f(x):
    why = "one" if x else "two"
    raise SessionError(why)
def g(x):
    raise SessionError(_said(x))
def h():
    raise wrong_value("k", "a list", 1)
    raise SessionError(str(error))
    raise EmbedError("split\\n  over" f" {lines}")
    raise ValueError("a bug")
def i():
    fail_with([*failed, *([f"{n} remain"] if n else [])])
    raise SessionError("\\n".join(lines))
"""


def test_the_fixed_words_of_messages_are_found_wherever_they_are_written() -> None:
    found = sorted(words for _line, words in messages.messages_in(_SOURCE))

    assert found == sorted([
        "say ${PORT}", "… is gone", "one", "two", "not … yet", "session.… must be a list, not ….", "split over …",
        "… remain",
    ])  # fmt: skip


def test_a_command_an_instruction_and_what_was_expected_are_advice() -> None:
    advising = ["… is gone. Run: git …", "… is taken. Choose another NAME.", "To have ours, run this: …", "Known: …"]
    silent = ["… failed (exit code …)", "… is empty.", "It is read-only.", "… is already on …."]

    assert [words for words in advising + silent if messages.says_what_to_do(words)] == advising


def test_the_troubleshooting_page_has_every_message_that_does_not_say_what_to_do_and_no_other() -> None:
    page = (_DOCS / "troubleshooting.md").read_text(encoding="utf-8").partition("## Programs and files")[2]
    rows = [
        (double or single).replace("\\|", "|") for row in _ROW.findall(page) for double, single in _WORDS.findall(row)
    ]
    raised = {
        words: places for words, places in messages.every_message().items() if not messages.says_what_to_do(words)
    }

    assert {words: places for words, places in raised.items() if words not in rows} == {}, "no row says what to do"
    assert set(rows) - set(raised) == set(), "nothing says this, or it says itself what to do"
    assert len(rows) == len(set(rows)) > 50


def test_every_key_of_the_configuration_is_described_once() -> None:
    assert sorted(key for described in DESCRIPTIONS.values() for key in described) == sorted(CHECKS)


def test_the_presets_shown_are_the_presets() -> None:
    page = (_DOCS / "configuration.md").read_text(encoding="utf-8")
    shown = {name: yaml.safe_load(text)["session"] for name, text in _PRESET.findall(page)}

    assert set(shown) == set(PRESETS)
    assert set(shown["points"]) - {"preset"} == set(PRESETS["points"])
    for name, settings in shown.items():
        default = {key: value for key, value in PRESETS["points"].items() if key not in ("claude", "work_log")}
        assert parse_settings({**default, **settings}) == parse_settings({"preset": name})


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_DOCS)))
def test_the_generated_parts_are_what_the_code_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert manual.filled(text) == text, "to write them: inv docs"


def test_every_link_leads_somewhere_and_the_navigation_has_every_page(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="Material for MkDocs is not installed: pip install '.[docs]'")

    manual.build(tmp_path / "site")

    start = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    pages = [str(page.relative_to(_DOCS).with_suffix(".html")) for page in _PAGES]
    assert [page for page in pages if f'href="{page}"' not in start and page != "index.html"] == []
    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?:', start) == []


def test_links_of_the_pages_beside_the_manual_lead_somewhere() -> None:
    links = {
        (name, link.partition("#")[0])
        for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
        for link in re.findall(r"\]\(((?!https?:)[^)]+)\)", (CHECKOUT / name).read_text(encoding="utf-8"))
    }

    assert len(links) > 10
    assert [pair for pair in links if not (CHECKOUT / pair[1]).is_file()] == []


def test_an_example_of_configuration_in_the_pages_is_one() -> None:
    blocks = [block for page in _PAGES for block in transcript.blocks(page, "yaml")]
    configured = [yaml.safe_load(block) or {} for block in blocks]  # one may have only a comment

    assert len([parse_settings(each["session"]) for each in configured if "session" in each]) > 15


def test_the_tutorial_shows_what_the_commands_print(project: Project) -> None:
    project.unconfigure()
    (project.main / "frontend" / "src").mkdir()
    (project.main / "frontend" / "src" / "App.svelte").write_text("<h1>Tally</h1>\n")
    (project.main / "frontend" / "package-lock.json").write_text("{}\n")
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "a page")

    project.configure("session: {host: '{slug}.localhost'}\n")  # as the demo has it

    assert transcript.check(_DOCS / "tutorial.md", project, "~/tally-demo") == 10


def test_the_tasks_file_shown_is_what_the_tests_embed() -> None:
    (shown,) = transcript.blocks(_DOCS / "howto" / "embed.md", "python")

    assert shown == EMBEDDING


_FRONT_DOOR = re.findall(r"\w+", re.findall(r"^for each in \((.*)\):$", (CHECKOUT / "tasks.py").read_text(), re.M)[-1])
_TASKS = [f"{name}.{task}" for name, collection in ns.collections.items() for task in collection.tasks]


def test_every_task_with_its_flags_and_other_names_is_in_the_reference() -> None:
    page = (_DOCS / "tasks.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^### `([\w.-]+)(.*?)(?=^##|\Z)", page, re.M | re.S))
    session = ns.collections["session"]
    assert isinstance(session, Collection)

    assert sorted(told) == sorted(_TASKS)
    for name, task in session.tasks.items():
        for argument in task.get_arguments():
            word = str(argument.name).replace("_", "-").rstrip("-")
            flag = word.upper() if argument.positional else f"--{word}"
            assert re.search(rf"^\| `{flag}[ `]", told[f"session.{name}"], re.M), (name, flag)
        for alias in task.aliases:
            assert f"`{alias}`" in told[f"session.{name}"]


def test_every_ref_and_directory_of_ours_is_in_the_page_of_what_is_created() -> None:
    page = (_DOCS / "created.md").read_text(encoding="utf-8")
    sources = "".join(file.read_text(encoding="utf-8") for file in (CHECKOUT / "tasks").rglob("*.py"))

    made = set(re.findall(r"refs/tally/\w+", sources)) | set(re.findall(r"\bXDG_\w+", sources)) | {"CLAUDE_CONFIG_DIR"}

    assert len(made) > 6
    assert [each for each in made if each not in page] == []


def test_the_front_door_is_what_this_repository_has_beside_the_sessions() -> None:
    assert {"demo", "test", "check", "bench", "embed", "docs"} <= set(_FRONT_DOOR)


@pytest.mark.parametrize("task", [*_TASKS, *_FRONT_DOOR])
def test_every_task_explains_itself_with_an_example(task: str) -> None:
    said = Project(CHECKOUT).inv("--help", task).out

    assert re.search(rf"Example:\s+inv {task}\b", said)
    if task in _TASKS:
        assert re.search(rf"\nExample:\n  inv {task}\b.*\n\Z", said)
        assert "`" not in said
        assert len(said.splitlines()[0]) <= 54  # one line of `inv --list` at 80 columns
    if task in _FRONT_DOOR:
        (row,) = re.findall(rf"^\| `inv {task}\b.*$", (_DOCS / "tasks.md").read_text(encoding="utf-8"), re.M)
        assert [
            flag for flag in re.findall(r"--[a-z-]+", said) if flag not in (*_INVOKES, "--path") and flag not in row
        ] == []


def test_the_recording_shows_every_command_and_the_pictures_fetch_nothing() -> None:
    pictures = sorted(_DOCS.rglob("*.svg"))
    texts = [file.read_text(encoding="utf-8") for file in pictures]

    printed = "".join(ET.fromstring(texts[pictures.index(_DOCS / "demo.svg")]).itertext()).replace("\xa0", " ")

    assert [command for command in recording.COMMANDS if f"$ {command}" not in printed] == []
    known = r"(?:[\w-]+\.)?(?:localhost|127\.0\.0\.1):\d|docs\.djangoproject|www\.w3\.org/2000/svg"
    for text in texts:
        assert "url(" not in text
        assert re.findall(rf"https?://(?!{known})\S+", text) == []


def test_every_screenshot_is_taken_by_the_script_and_on_a_page() -> None:
    taken = {file.stem for file in (_DOCS / "screens").glob("*.svg")}
    shown = {
        name for page in _PAGES for name in re.findall(r"/?screens/([\w-]+)\.svg\)", page.read_text(encoding="utf-8"))
    }

    assert taken == {*screens.TITLES, *dashboard_pictures.VIEWS} == shown


def test_frames_become_one_picture_that_ends_with_the_last() -> None:
    pytest.importorskip("rich", reason="rich is not installed: pip install '.[docs]'")

    made = recording.svg([(1.0, "$ one"), (3.0, "$ one\n\x1b[31mtwo <&>\x1b[0m")])

    pictures = [group for group in ET.fromstring(made).iter() if group.get("id", "").startswith("s")]
    assert ["".join(each.itertext()).split() for each in pictures] == [["$", "one"], ["$", "one", "two", "<&>"]]
    assert "@keyframes k0{0.000%{visibility:visible}25.000%{visibility:hidden}}" in made
    assert "#s1{visibility:visible;animation:k1 4.0s step-end infinite}" in made
