"""Transcripts in the pages: what stands after each `$` is run, and what it prints compared with what stands below."""

import re
import subprocess
from pathlib import Path

from tests.project import Project, eventually

# What differs from run to run: seconds, ports, times, commits, how long ago, how wide.
_VARYING = (
    (r"(?m)^  note +port \d+ is taken, .*\n(?: {13}.*\n)*", ""),  # by whoever else is on this machine
    (r"\d+\.\d\d s\b", "0.00 s"),
    (r"\b8\d{3}\b", "8000"),
    (r"\b5\d{3}\b", "5000"),
    (r"\b\d{8}T\d{6}\b", "TIME"),
    (r"\bat [0-9a-f]{10}\b", "at COMMIT"),
    (r"\b\d+m\b", "0m"),
    (r"[ -]{2,}", "  "),
)


def blocks(page: Path, language: str) -> list[str]:
    """Return what stands in *page* in blocks of *language*."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.M)
    return found


def check(page: Path, project: Project, top: str) -> int:
    """Run the commands that *page* shows, in the main checkout, which it says is below *top*; return how many."""
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(blocks(page, "console")), re.MULTILINE)
    for command, shown in steps:
        assert _normal(_said(command, project).replace(str(project.top), top)) == _normal(shown), command
    return len(steps)


def _said(command: str, project: Project) -> str:
    if command == "inv session.list":
        eventually(lambda: all(_settled(each) for each in project.inv("session.list", "--json").json))
    if command.startswith("inv "):
        said = project.inv(*command.split()[1:], code=None)
        return said.err + said.out
    ran = subprocess.run(["bash", "-c", command], cwd=project.main, capture_output=True, text=True, check=True)
    return ran.stdout + ran.stderr


def _settled(listed: dict[str, object]) -> bool:
    return (listed["status"], listed["claude"]) == ("running", "idle")


def _normal(text: str) -> list[str]:
    for pattern, same in _VARYING:
        text = re.sub(pattern, same, text)
    return [line.strip() for line in text.splitlines()]
