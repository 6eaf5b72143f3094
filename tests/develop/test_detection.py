"""What is found in small layouts of each family: `layouts/FAMILY-CASE.txt` has the files, then what is expected.

A file begins with `=== PATH`. `=== table` and `=== settings` come last; to write them again after a change of the
rules, run `python -m tests.develop.test_detection`, and read the difference.
"""

import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import pytest
import yaml

from develop.detection import Found, detect
from develop.detection.again import add_to_text, find_additions
from develop.detection.settings import setting_lines
from develop.detection.table import format_rows
from tasks.config.settings import parse_settings

_LAYOUTS = sorted((Path(__file__).parent / "layouts").glob("*.txt"))
_RESULTS = ("table", "settings")
_BARE = """session: # mine
  ports: {}
  copy: []
  link:
  windows:
  # first
  - {name: claude, claude: true}  # c
  env: {}
"""


def _parts(layout: Path) -> dict[str, str]:
    parts = re.split(r"(?m)^=== (.*)\n", layout.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def unpack(layout: Path, top: Path) -> None:
    """Make a repository of the files in *layout*."""
    subprocess.run(["git", "init", "--quiet", str(top)], check=True)
    for name, text in _parts(layout).items():
        if name in _RESULTS:
            continue
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        content = text.encode().replace(b"<sqlite>", b"SQLite format 3\0")
        (top / name).write_bytes(content)
    subprocess.run(["git", "-C", str(top), "add", "--all"], check=True)


def _results(top: Path) -> tuple[Found, dict[str, str]]:
    """Return what is found in the repository *top*, and how a person reads it."""
    found = detect(top)
    settings = "".join(f"  {line}\n" for line in setting_lines(found, five=True))
    table = f"{format_rows(found.rows)}\n"
    return found, {"table": table, "settings": f"session:\n{settings}{found.containers.text}"}


def write_results() -> None:
    """Write what is found now into each layout."""
    for layout in _LAYOUTS:
        with tempfile.TemporaryDirectory() as place:
            unpack(layout, Path(place) / "top")
            files = {name: each for name, each in _parts(layout).items() if name not in _RESULTS}
            files |= _results(Path(place) / "top")[1]
        layout.write_text("".join(f"=== {name}\n{each}" for name, each in files.items()))


@pytest.mark.parametrize("layout", _LAYOUTS, ids=lambda layout: layout.stem)
def test_a_layout_is_known(layout: Path, sandbox: Path) -> None:
    unpack(layout, sandbox / "top")

    found, result = _results(sandbox / "top")
    settings = "".join(f"{line}\n" for line in ("session:", *(f"  {each}" for each in setting_lines(found, five=True))))
    assert {name: _parts(layout)[name] for name in _RESULTS} == result
    parse_settings(yaml.safe_load(settings)["session"])
    assert "s3cret" not in str(result), "no value that is not an address is shown"
    assert find_additions(settings, found) == [], "run again, nothing is missing"
    additions = find_additions(_BARE, found)
    added = add_to_text(_BARE, additions)
    assert find_additions(added, found) == []
    parse_settings(yaml.safe_load(added)["session"])
    assert [line for line in ("session: # mine", "  # first", "true}  # c") if line not in added] == []


def test_each_family_has_three_layouts() -> None:
    counts = Counter(layout.stem.partition("-")[0] for layout in _LAYOUTS)

    assert {family for family, count in counts.items() if count < 3} == set()
    assert {*counts} == {"compose", "data", "go", "managers", "node", "python", "rails", "runners", "workspace"}


if __name__ == "__main__":
    write_results()
