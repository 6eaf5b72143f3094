"""Whether the forge of a repository, GitHub or GitLab, can be asked here: by its own program, which is logged in."""

from __future__ import annotations

import re
import shutil

from ..model import Repository

PROGRAMS = {"github": "gh", "gitlab": "glab"}
_HOST = re.compile(r"^\s*url\s*=\s*(?:[a-z+]+://)?(?:[^@/\s]+@)?([^/:\s]+)[/:]", re.MULTILINE)


def find_forge_kind(repository: Repository) -> str:
    """Return which of `PROGRAMS` is installed here for a remote of *repository*; empty for none.

    git's configuration is read without starting git: `list` asks this each time.
    """
    try:
        hosts = _HOST.findall((repository.common / "config").read_text(errors="replace"))
    except OSError:
        return ""
    kinds = [kind for kind in PROGRAMS if any(kind in host for host in hosts)]
    return next((kind for kind in kinds if shutil.which(PROGRAMS[kind])), "")
