"""Check the transcripts in the manual: run the command after each `$` and compare its output."""

import re
import subprocess
from pathlib import Path

from testing.project import Project, eventually

# Parts that differ from run to run: seconds, ports, times, commits, ages, widths.
_VARYING = (
    (r"(?m)^  note +port \d+ is taken, .*\n(?: {13}.*\n)*", ""),  # by another program on this machine
    (r"\d+\.\d\d s\b", "0.00 s"),
    (r"\b8\d{3}\b", "8000"),
    (r"\b5\d{3}\b", "5000"),
    (r"\b\d{8}T\d{6}\b", "TIME"),
    (r"\bat [0-9a-f]{10}\b", "at COMMIT"),
    (r"\b\d+m\b", "0m"),
    (r"\b\d+ kB\b", "9 kB"),
    (r"[ -]{2,}", "  "),
)


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of *language* in *page*."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.M)
    return found


def check(page: Path, project: Project, top: str) -> int:
    """Run the commands in *page* in the main checkout, shown there as below *top*; return their number."""
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(blocks(page, "console")), re.MULTILINE)
    for command, shown in steps:
        assert _normal(_said(command, project).replace(str(project.top), top)) == _normal(shown), command
    return len(steps)


def _said(command: str, project: Project) -> str:
    if command == "inv session.list":
        eventually(lambda: all(_settled(each) for each in project.inv("session.list", "--json").json))
    if command.startswith("inv session.restore"):
        saved = ".git/tally-sessions/removed/*/*/tree/frontend/node_modules"
        eventually(lambda: not list(project.main.glob(saved)))
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
