"""The collection `ns` of this copy of the tasks."""

import sys

from invoke.collection import Collection

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
if any(word.startswith("handover.") for word in sys.argv):  # `fleet.move` and its like, on other machines
    from .hosts import handover

    ns.add_collection(Collection.from_module(handover), "handover")
