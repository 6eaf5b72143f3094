"""The manual: write its generated parts into the pages, and build the site with MkDocs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from develop.manual import generated
from tasks.config.json_schema import json_schema

TOP = Path(__file__).resolve().parents[2]
SCHEMA = TOP / "tasks" / "config" / "invoke.schema.json"  # goes along with tasks/ into other repositories


class BuildError(Exception):
    """The site could not be made; the message says why."""


def filled(page: str) -> str:
    """Return *page* with the parts between `<!-- from WHAT -->` and `<!-- end -->` generated again."""
    return re.sub(
        r"(?ms)^<!-- from (.+?) -->\n.*?^<!-- end -->$",
        lambda match: f"<!-- from {match[1]} -->\n\n{generated.generated_part(match[1])}\n\n<!-- end -->",
        page,
    )


def schema_text() -> str:
    """Return the JSON Schema of invoke.yaml as its file has it."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def fill() -> list[Path]:
    """Write the generated parts into the pages of `docs/`, and the schema of invoke.yaml; return what changed."""
    changed = []
    if not SCHEMA.exists() or SCHEMA.read_text(encoding="utf-8") != schema_text():
        SCHEMA.write_text(schema_text(), encoding="utf-8")
        changed.append(SCHEMA)
    for page in sorted((TOP / "docs").rglob("*.md")):
        before = page.read_text(encoding="utf-8")
        if (after := filled(before)) != before:
            page.write_text(after, encoding="utf-8")
            changed.append(page)
    return changed


def build(site: Path) -> None:
    """Build the site in the directory *site*. A broken link is an error."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # hides the theme's advertisement for its successor
    done = subprocess.run(command, cwd=TOP, env=env, capture_output=True, text=True, check=False)
    if done.returncode:  # not --quiet: hidden warnings would not count as errors of --strict
        raise BuildError(
            f"Couldn't build the site (is MkDocs installed? pip install '.[docs]'):\n{done.stderr.strip()}"
        )
