"""Our refs that no session and no archive needs any more."""

from __future__ import annotations

from ..model import Repository
from ..system import files
from ..tools import git
from . import archive, names, registry

_SHORTEST = 1.0  # days; a removal makes the ref before its archive is complete
_REMOVED, _KEPT = "refs/tally/removed/", "refs/tally/kept/"


def list_stray_refs(repository: Repository, days: float) -> list[str]:
    """Return the refs older than *days* that belong to no session and no archive.

    A killed move leaves `refs/tally/removed/…`, a `sync` that saved edits `refs/tally/kept/SLUG/TIME`.
    """
    limit = archive.moment_before(max(days, _SHORTEST))
    form = "--format=%(refname)"
    references = git.read_git(repository.main, "for-each-ref", form, _REMOVED, _KEPT).split()
    old = [each for each in references if archive.parse_time(each.rpartition("/")[2]) < limit]
    return [each for each in old if not _is_needed(repository, each)] if old else []


def _is_needed(repository: Repository, reference: str) -> bool:
    place = archive.archives_directory(repository)
    if reference.startswith(_REMOVED):
        return (place / reference.removeprefix(_REMOVED) / "row.json").exists()
    slug = reference.removeprefix(_KEPT).rpartition("/")[0]
    rows = registry.read_registry(repository)
    has_session = slug in {*map(names.slug_of, rows), *(row.get("slug") for row in rows.values())}
    return has_session or any((each / "row.json").exists() for each in files.list_children(place / slug))
