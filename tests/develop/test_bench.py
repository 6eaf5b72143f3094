"""What `inv bench` says and writes; what it measures is no test's business."""

import json
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path

import pytest

from develop.bench import HEADINGS, Measured, Report, page
from develop.bench.measure import Command, Cost, Ratio, pairs


def _ratio(median: float, load: float) -> Ratio:
    return Ratio(Cost(0.1 * median, 0.05), Cost(0.1, 0.1), median, median / 2, median * 2, 0.5, load)


_REPORT = Report(
    {"cores": "2 cores", "git": "git 2.39"},
    10,
    _ratio(0.5, 1),
    (
        Measured("add ÷ script", "Both add. The clock stops at the end.", 1.2, 1.0, _ratio(1.5, 3)),
        Measured("list <of> 20", "Both list. Nothing else.", 2.2, 1.8, _ratio(2.0, 7)),
    ),
)


def test_the_table_has_a_missed_gate_and_the_load() -> None:
    first, second = _REPORT.table()[1:]

    assert dict(zip(HEADINGS, first, strict=True)) == {
        "what": "add ÷ script", "ours ms": "150.0", "other ms": "100.0", "ratio": "1.50 [0.75-3.00]", "of CPU": "0.50",
        "load": "3.0", "gate": "≤ 1.20 MISSED", "goal": "≤ 1.00",
    }  # fmt: skip
    assert "MISSED" not in "".join(second)
    assert json.loads(json.dumps(_REPORT.record()))["measured"][1]["ratio"]["ours"]["wall"] == 0.2


def test_the_page_gets_the_figures_between_its_marks_and_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = page.PAGE.read_text(encoding="utf-8")
    monkeypatch.setattr(page, "PAGE", tmp_path / "speed.md")
    monkeypatch.setattr(page, "PICTURE", tmp_path / "speed.svg")
    page.PAGE.write_text(before, encoding="utf-8")

    page.write(_REPORT)
    page.write(_REPORT)

    text = page.PAGE.read_text(encoding="utf-8")
    assert text.partition("<!-- measured -->")[0] == before.partition("<!-- measured -->")[0]
    assert text.partition("<!-- end -->")[2] == before.partition("<!-- end -->")[2]
    assert text.count("| add ÷ script | 1.50 [0.75-3.00] | 0.50 | ≤ 1.20, **missed** | ≤ 1.00 |") == 1
    assert text.count("missed**") == 1
    assert "2 cores, git 2.39. The machine's load was 3 to 7." in text
    assert "- **add ÷ script**: Both add. The clock stops at the end." in text
    drawn = ET.fromstring(page.PICTURE.read_text(encoding="utf-8"))
    widths = [float(each.get("width", 0)) for each in drawn if each.tag.endswith("rect")]
    assert len(widths) == 4
    assert widths[0] / widths[1] == pytest.approx(1.5, rel=0.05)


def test_both_are_run_in_turn_and_what_their_children_took_is_counted() -> None:
    order: list[str] = []
    end = partial(order.append, "-")

    ratio = pairs(Command(partial(order.append, "a"), after=end), Command(partial(order.append, "b"), after=end), 2)

    assert "".join(order) == "a-b-" * 3
    assert 0 < ratio.low <= ratio.median <= ratio.high
