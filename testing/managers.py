"""Real programs of other projects that some tests need: `python -m testing.managers` installs them beside this Python.

Package managers, linters and formatters; and Django, in an environment without Invoke.
"""

import subprocess
import sys
import venv
from pathlib import Path

_PYTHON = ("poetry", "uv", "pipenv", "black", "isort", "flake8", "yamllint", "pre-commit", "django-admin")
_PACKAGES = {"django-admin": "django"}  # where it is not called as its program
# By program: the package that has it. Classic Yarn, whose successor is another program, is what `yarn` usually is.
_NODE = {"pnpm": "pnpm@10", "yarn": "yarn@1", "bun": "bun@1", "prettier": "prettier@3", "biome": "@biomejs/biome@2"}
_PATIENCE = 600  # seconds for pip, and for npm


def main() -> None:
    """Install those that are missing, in a directory of their own, and link them beside the Python that runs this."""
    programs = Path(sys.executable).parent
    place = programs.parent / "managers"
    if not (place / "bin" / "django-admin").exists():
        venv.create(place, with_pip=True)
        _run([str(place / "bin" / "pip"), "install", "--quiet", *(_PACKAGES.get(each, each) for each in _PYTHON)])
    if not (place / "node_modules" / ".bin" / "biome").exists():
        _run(["npm", "install", "--prefix", str(place), "--no-audit", "--no-fund", "--loglevel", "error",
              *_NODE.values()])  # fmt: skip
    for name, directory in {**dict.fromkeys(_PYTHON, "bin"), **dict.fromkeys(_NODE, "node_modules/.bin")}.items():
        (programs / name).unlink(missing_ok=True)
        (programs / name).symlink_to(place / directory / name)


def _run(argv: list[str]) -> None:
    subprocess.run(argv, timeout=_PATIENCE, check=True)


if __name__ == "__main__":
    main()
