"""Sessions: isolated places to work in one repository. `ns` is what `inv --list` shows."""

import sys
from collections.abc import Mapping

from invoke.collection import Collection
from invoke.tasks import Task

from .machine import imports

imports.keep()

from . import fleet, session  # noqa: E402
from .machine import streams  # noqa: E402

streams.complete()
from .config import unreadable  # noqa: E402

unreadable.tell()

ns = Collection(session=session.ns, fleet=fleet.ns)
if "--complete" in sys.argv:
    from . import completion

    completion.extend()


def join(names: Mapping[str, object]) -> Collection:
    """Return the tasks of a `tasks.py` that defines *names*, with ours beside them."""
    own = names.get("ns", names.get("namespace"))
    joined = own if isinstance(own, Collection) else Collection()
    for value in names.values():
        if isinstance(value, Task) and not isinstance(own, Collection):
            joined.add_task(value)
    for name, collection in ns.collections.items():
        joined.add_collection(collection, name)
    return joined
