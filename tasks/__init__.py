"""Sessions: isolated places to work in one repository. `ns` is what `inv --list` shows.

Nothing is imported before `ns` is asked for: test runners and type checkers import this package, too, also where Invoke
is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from invoke.collection import Collection

    ns: Collection


def __getattr__(name: str) -> Collection:
    if name != "ns":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import front_door

    return front_door.find_collection(__file__)


def join(names: Mapping[str, object]) -> Collection:
    """Return the tasks of a `tasks.py` that defines *names*, with ours beside them."""
    from . import front_door

    return front_door.join_collections(names, __file__)
