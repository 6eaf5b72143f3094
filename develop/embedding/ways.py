"""The two ways in: a copy of the modules in `tasks/`, or the installed package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from develop.embedding import dependencies, files, layout, manual, package, releases
from tasks.system.version import RECORD


class Way(NamedTuple):
    """How the code comes into the repository *top*: *packaged* by its *manager*, with *install*, or as a *copy*."""

    top: Path
    manager: str
    copy: package.Copy
    door: files.Door
    packaged: bool = False
    install: str = ""
    wheel: str = ""
    wheels: tuple[str, ...] = ()  # those that are committed, too
    before: tuple[str, str] = ("", "")
    was_committed: bool = False

    @property
    def paths(self) -> list[str]:
        """What it writes, for git: also what it removes."""
        if not self.packaged:
            return ["tasks", "tasks.py", manual.PAGE]
        old = ["tasks"] if self.copy.exists and self.was_committed else []
        return [*old, "tasks.py", manual.PAGE, manual.SCHEMA, *self.wheels]

    @property
    def written(self) -> list[str]:
        """What only the installed package needs."""
        return [manual.SCHEMA, *([self.wheel] if self.wheel else [])] if self.packaged else []


def choose_way(top: Path, manager: str, page: manual.Page, wished: str | None) -> Way:
    """Return the way that is *wished*, or else the one that the repository *top* has taken."""
    door = top / "tasks.py"
    text = door.read_bytes() if door.is_file() else b""
    has_package = bool(files.package_door("").opened.search(text)) and not (top / "tasks").exists()
    if wished is None and not has_package:
        copy = package.read_copy(top)
        return Way(top, manager, copy, files.EMBEDDED_DOOR, was_committed=layout.is_tracked(top, "tasks/session.py"))
    copy = package.read_copy(top) if (top / "tasks" / RECORD).exists() else package.Copy(top / "tasks")
    requirement, wheel = dependencies.choose_pin(manager, wished or "")
    before = dependencies.find_pin(top, manager)
    pinned = dependencies.has_pin(top, manager, requirement)
    install = "" if pinned else dependencies.install_command(top, manager, [requirement])
    committed = copy.exists and layout.is_tracked(top, "tasks/session.py")
    committed = committed or (has_package and layout.is_tracked(top, "tasks.py"))
    found = before if before[0] or before[1] else (page.version, page.commit)
    wheels = tuple(dict.fromkeys([*([wheel] if wheel else []), *dependencies.tracked_wheels(top)]))
    sync = dependencies.sync_command(top, manager)
    return Way(top, manager, copy, files.package_door(sync), True, install, wheel, wheels, found, committed)


def put_code(way: Way) -> list[str]:
    """Bring the code into the repository; return what was done."""
    if not way.packaged:
        return [package.put_package(way.copy)]
    done = package.remove_package(way.copy)
    if way.wheel and dependencies.build_wheel(way.top, way.wheel):
        done.append(f"Built {way.wheel}: version {package.name_version()}.")
    before = (way.copy.version, way.copy.commit) if way.copy.exists else way.before
    return [*done, *(releases.changes_since(*before) if way.install else [])]


def write_pages(way: Way, page: manual.Page, configuration: str) -> list[str]:
    """Write the page that goes along, and the schema where no `tasks/` has it."""
    commit = package.read_copy(way.top).commit if not way.packaged else page.commit
    commit = releases.current_commit() if way.install else commit
    install = dependencies.setup_lines(way.top, way.manager)
    said = [manual.write_page(page, commit, install, configuration, way.packaged)]
    return [*said, *([manual.write_schema(way.top)] if way.packaged else [])]


def with_schema(settings: str, way: Way) -> str:
    """Return the *settings* with the schema where editors find it."""
    if not way.packaged:
        return settings
    return re.sub(r"\$schema=\S+", f"$schema={manual.SCHEMA}", settings)
