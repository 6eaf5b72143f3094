"""The page about speed: the figures of a report as a table, and as a picture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from develop.bench import Measured, Report, at_most

TOP = Path(__file__).resolve().parents[2]
PAGE, PICTURE = TOP / "docs/about/speed.md", TOP / "docs/about/speed.svg"
_PART = re.compile(r"(?ms)(^<!-- measured -->\n).*?(^<!-- end -->$)")
_WIDTH, _LEFT, _BAR, _GAP = 760, 310, 14, 16  # pixels
_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #333; }
.ours { fill: #2f7d5b; } .other { fill: #b8bec4; } .floor { stroke: #c2571a; stroke-width: 2; stroke-dasharray: 4 3; }
@media (prefers-color-scheme: dark) { text { fill: #ddd; } .other { fill: #6b737a; } }"""


def write(report: Report) -> list[Path]:
    """Write the figures of *report* into the page, and the picture beside it; return both."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_PART.sub(lambda match: f"{match[1]}\n{measured_part(report)}\n\n{match[2]}", page), "utf-8")
    PICTURE.write_text(picture(report), encoding="utf-8")
    return [PAGE, PICTURE]


def measured_part(report: Report) -> str:
    """Return what stands between the marks of the page."""
    machine, floor = report.introduction()
    loads = [each.ratio.load for each in report.measured]
    lines = [
        f"Medians of {report.rounds} rounds: {machine}. The machine's load was {min(loads):.0f} to {max(loads):.0f}.",
        floor,
        "",
        "![Times of each command, beside the script's](speed.svg)",
        "",
        "| what | ratio | of CPU time | gate | goal |",
        "|---|---|---|---|---|",
        *(_line(each) for each in report.measured),
        "",
        "How each is measured:",
        "",
        *(f"- **{each.what}**: {each.way}" for each in report.measured if not each.what.endswith("files")),
    ]
    return "\n".join(lines)


def _line(each: Measured) -> str:
    gate = f"{at_most(each.gate)}, **missed**" if each.missed else at_most(each.gate)
    return f"| {each.what} | {each.ratio} | {each.ratio.cpu:.2f} | {gate} | {at_most(each.goal)} |"


def picture(report: Report) -> str:
    """Return bars as SVG: ours, below it what it is compared with; a line where an empty `inv` would end."""
    rows = [each for each in report.measured if each.ratio.ours.wall < 10 * report.floor.other.wall]
    longest = max(max(each.ratio.ours.wall, each.ratio.other.wall) for each in rows)
    scale = (_WIDTH - _LEFT - 70) / longest
    height = 40 + len(rows) * (2 * _BAR + _GAP)
    floor = _LEFT + report.floor.ours.wall * scale
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
        ' aria-label="Times of each command, beside what it is compared with">',
        f"<style>{_STYLE}</style>",
        f'<text x="{_LEFT}" y="16">ours, and below it the other; dashed: an empty inv</text>',
        *(line for number, each in enumerate(rows) for line in _bars(each, 30 + number * (2 * _BAR + _GAP), scale)),
        f'<line class="floor" x1="{floor:.0f}" y1="24" x2="{floor:.0f}" y2="{height - 8}"/>',
        "</svg>\n",
    ])  # fmt: skip


def _bars(each: Measured, top: int, scale: float) -> Iterator[str]:
    yield f'<text x="{_LEFT - 10}" y="{top + _BAR + 4}" text-anchor="end">{escape(each.what)}</text>'
    for number, (kind, cost) in enumerate((("ours", each.ratio.ours), ("other", each.ratio.other))):
        y, width = top + number * _BAR, max(cost.wall * scale, 1)
        yield f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{width:.0f}" height="{_BAR - 1}"/>'
        yield f'<text x="{_LEFT + width + 5:.0f}" y="{y + _BAR - 3}">{cost.wall * 1000:.0f} ms</text>'
