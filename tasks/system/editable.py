"""What editable installs in a Python environment import from elsewhere."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_MAPPING = re.compile(r"^MAPPING\b[^=]*=\s*(\{.*\})\s*$", re.MULTILINE)  # setuptools
_MESON = re.compile(
    r"""^\s+finder = MesonpyMetaFinder\(\s*['"].*?['"],\s*(\{[^}]*\}),\s*(['"].+?['"]),""", re.MULTILINE
)
_MODULE = re.compile(r"""\.map_module\(\s*(['"][^'"]+['"]),\s*(['"][^'"]+['"])""")  # the library `editables`


class Editable(NamedTuple):
    """What the *file* in site-packages makes Python import: the package *name* at *place*, or all that is in there."""

    file: str
    name: str
    place: Path

    @property
    def root(self) -> Path | None:
        """The directory that makes Python import the same from its path; None if the package has another name there."""
        if not self.name:
            return self.place
        parts = self.name.split(".")
        return self.place.parents[len(parts) - 1] if list(self.place.parts[-len(parts) :]) == parts else None


def list_editables(environment: Path) -> list[Editable]:
    """Return what the editable installs in *environment* import, but for what is in there itself."""
    inside, found = os.path.realpath(environment), list[Editable]()
    for packages in sorted(environment.glob("lib/python*/site-packages")):
        for file in sorted(packages.glob("*.pth")):
            for line in _text(file).splitlines():
                if line.startswith(os.sep):
                    found.append(Editable(file.name, "", Path(line.rstrip())))
        for file in sorted([*packages.glob("__editable__*_finder.py"), *packages.glob("_editable_impl_*.py")]):
            found += [Editable(file.name, name, Path(place)) for name, place in _mapped(_text(file))]
        for file in sorted(packages.glob("_*_editable_loader.py")):
            found += [Editable(file.name, name, place) for name, place in _built(_text(file))]
    return [each for each in found if not Path(os.path.realpath(each.place)).is_relative_to(inside)]


def _mapped(source: str) -> Iterator[tuple[str, str]]:
    """Yield each package and its directory, or module and its file without `.py`, that a finder's *source* names."""
    try:
        mapping = ast.literal_eval(found[1]) if (found := _MAPPING.search(source)) else {}
        mapping |= {ast.literal_eval(name): ast.literal_eval(place) for name, place in _MODULE.findall(source)}
        for name, place in mapping.items():
            yield name, re.sub(r"(/__init__)?\.py$", "", place)
    except (ValueError, SyntaxError, TypeError):
        return


def _built(source: str) -> Iterator[tuple[str, Path]]:
    """Yield each package that the loader of meson-python has, and the project's directory: what is where is Meson's."""
    if not (match := _MESON.search(source)):
        return
    try:
        names, build = ast.literal_eval(match[1]), Path(ast.literal_eval(match[2]))
        info = json.loads(_text(build / "meson-info" / "meson-info.json"))
        for name in sorted(names):
            yield name, Path(info["directories"]["source"])
    except (ValueError, SyntaxError, TypeError, LookupError):
        return


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def own_roots(environment: Path, checkouts: Iterable[Path]) -> tuple[str, ...]:
    """Return the directories, relative to a checkout, from which *environment* imports what is in one of *checkouts*.

    Another name for a package than its directory's can't be said by a directory: that is left out.
    """
    roots = dict[str, None]()
    for each in list_editables(environment):
        if each.root is not None and (inside := place_in_checkout(each.root, checkouts)):
            roots[inside[1]] = None
    return tuple(roots)


def place_in_checkout(place: Path, checkouts: Iterable[Path]) -> tuple[Path, str] | None:
    """Return the innermost of *checkouts* that *place* is in, and where in that; None if it is in none of them."""
    real = Path(os.path.realpath(place))
    around = [(each, Path(os.path.realpath(each))) for each in checkouts]
    around = [each for each in around if real.is_relative_to(each[1])]
    if not around:
        return None
    checkout, top = max(around, key=lambda each: len(each[1].parts))
    return checkout, str(real.relative_to(top))
