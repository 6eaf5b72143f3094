"""Ports for each test process: a sandbox doesn't see other registries, so parallel tests need separate ranges."""

import fcntl
import functools
import os
from pathlib import Path

from tasks.store import ports

_FIRST, _SLOTS, _WIDTH = 31, 40, 10  # far above 8000 and 5000, which a developer's own sessions use


@functools.cache
def own() -> int:
    """Return this process's offset from 8000 and 5000. The kernel frees it when the process ends."""
    for slot in range(_FIRST, _FIRST + _SLOTS):
        descriptor = os.open(Path(f"/tmp/tally-sessions-test-{os.getuid()}-{slot}"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if all(
                ports.is_port_free(first + slot * _WIDTH + number) for first in (8000, 5000) for number in range(_WIDTH)
            ):
                return slot * _WIDTH
        except BlockingIOError:
            pass
        os.close(descriptor)
    return _FIRST * _WIDTH


def configuration() -> str:
    """Return a `~/.invoke.yaml` with these ports."""
    return f"session: {{ports: {{backend_port: {8000 + own()}, frontend_port: {5000 + own()}}}}}\n"
