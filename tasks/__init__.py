"""Sessions: isolated places to work in one repository. `ns` is what `inv --list` shows."""

import sys
from collections.abc import Mapping

from invoke.collection import Collection
from invoke.tasks import Task

from .system import startup

startup.ease_collection()
startup.keep_bytecode()

try:
    from . import fleet, session
except KeyboardInterrupt:  # Invoke would end without a word
    from .errors import Interrupted

    raise Interrupted(2) from None

startup.complete_streams()
startup.explain_unreadable_files()
startup.end_quietly_without_reader()

ns = Collection(session=session.ns, fleet=fleet.ns)
if "--complete" in sys.argv:
    from .commands import completion

    completion.extend_completion()


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
