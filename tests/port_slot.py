"""Ports that no other process of a test run uses: sandboxes do not see each other's registries."""

import fcntl
import functools
import os
from pathlib import Path

_SLOTS, _WIDTH = 40, 10


@functools.cache
def own() -> int:
    """Return how far above 8000 and 5000 this process counts its ports; the kernel gives it back at its end."""
    for slot in range(_SLOTS):
        descriptor = os.open(Path(f"/tmp/tally-sessions-test-{os.getuid()}-{slot}"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return slot * _WIDTH
        except BlockingIOError:
            os.close(descriptor)
    return 0


def configuration() -> str:
    """Return the `~/.invoke.yaml` that keeps a sandbox to these ports."""
    return f"session: {{ports: {{backend_port: {8000 + own()}, frontend_port: {5000 + own()}}}}}\n"
