"""The real Claude Code in two versions, which `python -m testing.real_claude` installs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

VERSIONS = ("2.1.332", "2.1.197")
_PATIENCE = 180  # seconds for npm
_PLACE = os.environ.get("TALLY_SESSIONS_CLAUDE", "")  # the sandbox has it no longer


def install(version: str, directory: Path) -> None:
    """Put the real `claude` of *version* into *directory*, in place of the stand-in; skip the test without it."""
    program = Path(_PLACE or "/nowhere", version, "node_modules", ".bin", "claude")
    if not program.exists():
        pytest.skip(
            f"Claude Code {version} is not installed for the tests: set TALLY_SESSIONS_CLAUDE to a directory, then run"
            " python -m testing.real_claude"
        )
    (directory / "claude").unlink(missing_ok=True)
    (directory / "claude").symlink_to(program)
    said = subprocess.run([str(directory / "claude"), "--version"], capture_output=True, text=True, check=False)
    assert version in said.stdout, said


def main() -> None:
    """Install each version where TALLY_SESSIONS_CLAUDE says, and say which could not be had."""
    for version in VERSIONS:
        place = Path(_PLACE, version)
        if not (place / "node_modules" / ".bin" / "claude").exists():
            npm = ["npm", "install", "--prefix", str(place), "--no-audit", "--no-fund", "--loglevel", "error"]
            try:
                subprocess.run([*npm, f"@anthropic-ai/claude-code@{version}"], timeout=_PATIENCE, check=True)
            except (subprocess.SubprocessError, OSError) as error:
                print(f"Claude Code {version} is not installed for the tests: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
