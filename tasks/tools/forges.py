"""Whether the forge of a repository, GitHub or GitLab, can be asked here: by its own program, which is logged in."""

from __future__ import annotations

import shutil

from ..model import Repository
from . import git

PROGRAMS = {"github": "gh", "gitlab": "glab"}


def find_forge_kind(repository: Repository) -> str:
    """Return which of `PROGRAMS` is installed here for a remote of *repository*; empty for none."""
    hosts = git.remote_hosts(repository)
    kinds = [kind for kind in PROGRAMS if any(kind in host for host in hosts)]
    return next((kind for kind in kinds if shutil.which(PROGRAMS[kind])), "")
