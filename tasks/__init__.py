"""Sessions: isolated places to work in one repository. `ns` is what `inv --list` shows."""

from invoke.collection import Collection

from . import imports

imports.keep()

from . import session  # noqa: E402

ns = Collection(session=session.ns)
