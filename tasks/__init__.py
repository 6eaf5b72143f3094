"""Sessions: isolated places to work in one repository. `ns` is what `inv --list` shows."""

from invoke.collection import Collection

from . import session

ns = Collection(session=session.ns)
