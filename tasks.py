"""The front door of this repository: the sessions that others embed, and what its contributors need."""

import sys

# Invoke loads this file as the module `tasks`; the package of the same name is what we mean.
del sys.modules[__name__]

from tasks import ns  # noqa: E402

__all__ = ["ns"]
