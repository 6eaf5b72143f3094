"""Packages for a host that doesn't reach PyPI: downloaded here as wheels for its Python, and sent along."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import CommandError, SessionError
from ..model import Repository
from ..system import shape, shell
from . import ssh
from .host import Host
from .remote_scripts import files

_FACTS = shape.fields_form({"version": shape.TEXT, "platforms": shape.TEXTS})
_ASK = """import json,sys
from pip._vendor.packaging import tags
print(json.dumps({"version":"%d.%d"%sys.version_info[:2],"platforms":list(tags.platform_tags())}))"""
_PATIENCE = 600.0  # seconds for a download


def install_sent(host: Host, repository: Repository, python: str, packages: Sequence[str], why: SessionError) -> None:
    """Install *packages* with the *python* on *host* from wheels that are downloaded here.

    Raises `SessionError` with *why* the host could not do it by itself where that fails as well.
    """
    try:
        answer = ssh.ask_program(host, [python, "-c", _ASK], seconds=ssh.QUESTION).decode(errors="replace")
        facts = ssh.parse_answer(host, answer, _FACTS)
        with tempfile.TemporaryDirectory(prefix="tally-") as place:
            _download(place, repository, packages, facts)
            wheels = [(wheel.name, str(wheel)) for wheel in sorted(Path(place).glob("*.whl"))]
            ssh.call_program(
                host, "wheels", python, *packages, form=shape.fields_form({"installed": shape.COUNT}),
                data=lambda reader: files.pack(reader, wheels),
            )  # fmt: skip
    except SessionError as error:
        reason = _last_line(error.stderr if isinstance(error, CommandError) else str(error))
        raise SessionError(
            f"{host.name} couldn't install {', '.join(packages)} ({_last_line(str(why))}), nor from wheels of this"
            f" machine ({reason}).\nInstall them on the host, then run: inv fleet.setup {host.name}"
        ) from None


def _download(place: str, repository: Repository, packages: Sequence[str], facts: dict[str, Any]) -> None:
    """Download wheels of *packages* that the Python of *facts* can use, into *place*."""
    fits = [word for platform in facts["platforms"] for word in ("--platform", platform)]
    words = ("download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--dest", place)
    version = ("--implementation", "cp", "--python-version", facts["version"])
    own = [str(repository.main / each) if each.startswith("./") else each for each in packages]
    argv = (sys.executable, "-m", "pip", *words, *version, *fits, *own)
    shell.run_bounded(_PATIENCE, *argv, env=shell.clean_environment())


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return json.dumps(lines[-1], ensure_ascii=False).strip('"') if lines else "no reason given"
