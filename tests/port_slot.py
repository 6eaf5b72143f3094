"""Ports that nobody else uses: sandboxes see no registry but their own, and the machine has programs."""

import fcntl
import functools
import os
from pathlib import Path

from tasks import ports

_SLOTS, _WIDTH = 40, 10


@functools.cache
def own() -> int:
    """Return how far above 8000 and 5000 this process counts its ports; the kernel gives it back at its end."""
    for slot in range(_SLOTS):
        descriptor = os.open(Path(f"/tmp/tally-sessions-test-{os.getuid()}-{slot}"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if all(ports.free(first + slot * _WIDTH + number) for first in (8000, 5000) for number in range(_WIDTH)):
                return slot * _WIDTH
        except BlockingIOError:
            pass
        os.close(descriptor)
    return 0


def configuration() -> str:
    """Return the `~/.invoke.yaml` that keeps a sandbox to these ports."""
    return f"session: {{ports: {{backend_port: {8000 + own()}, frontend_port: {5000 + own()}}}}}\n"
