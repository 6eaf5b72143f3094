"""The documentation: its generated parts are written into the pages, and MkDocs makes a site of these."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from develop.manual import generated

TOP = Path(__file__).resolve().parents[2]


class BuildError(Exception):
    """The site could not be made; the message says why."""


def filled(page: str) -> str:
    """Return *page* with each part between `<!-- from WHAT -->` and `<!-- end -->` as the code says it now."""
    return re.sub(
        r"(?ms)^<!-- from (.+?) -->\n.*?^<!-- end -->$",
        lambda match: f"<!-- from {match[1]} -->\n\n{generated.part(match[1])}\n\n<!-- end -->",
        page,
    )


def fill() -> list[Path]:
    """Write the generated parts into the pages of `docs/`; return those that changed."""
    changed = []
    for page in sorted((TOP / "docs").rglob("*.md")):
        before = page.read_text(encoding="utf-8")
        if (after := filled(before)) != before:
            page.write_text(after, encoding="utf-8")
            changed.append(page)
    return changed


def build(site: Path) -> None:
    """Make the site in the directory *site*; a link that leads nowhere is a failure."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    if done.returncode:  # not --quiet: warnings that are not shown do not count for --strict either
        raise BuildError(
            f"the site could not be made (is mkdocs installed? pip install '.[docs]'):\n{done.stderr.strip()}"
        )
