"""A line to a network namespace that loses packets: there the kernel's own TCP sends them again."""

import fcntl
import heapq
import os
import random
import select
import struct
import threading
import time
from contextlib import suppress

from testing import port_slot, spaces

_TUNSETIFF, _TUN, _NO_HEADER = 0x400454CA, 0x0001, 0x1000
_PACKET = 1 << 16


def can() -> bool:
    """Return whether this machine has what such a line is made of."""
    return spaces.CAN and os.access("/dev/net/tun", os.R_OK | os.W_OK)


def _device(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH", name.encode(), _TUN | _NO_HEADER))
    return descriptor


class PacketLine:
    """Takes the place of the line to the namespace *space*, whose address stays; loses *share* of all packets.

    Each packet takes half of *seconds*. *carried* and *lost* count them.
    """

    def __init__(self, space: str, address: str, share: float, seconds: float) -> None:
        self.carried = self.lost = 0
        self._share, self._delay, self._ended = share, seconds / 2, False
        self._random = random.Random(1)
        names = [f"tl{port_slot.own() // 10}{end}" for end in "ab"]
        net, _, last = address.rpartition(".")
        spaces.run_ip("-n", space, "link", "del", "eth0")
        self._ends = [_device(name) for name in names]
        spaces.run_ip("link", "set", names[1], "netns", space)
        for name, own, where in ((names[0], f"{net}.{int(last) - 1}", ()), (names[1], address, ("-n", space))):
            spaces.run_ip(*where, "addr", "add", f"{own}/30", "dev", name)
            spaces.run_ip(*where, "link", "set", name, "up")
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        waiting = list[tuple[float, int, int, bytes]]()
        while not self._ended:
            pause = max(waiting[0][0] - time.monotonic(), 0) if waiting else 0.2
            for end in select.select(self._ends, [], [], min(pause, 0.2))[0]:
                other = self._ends[1 - self._ends.index(end)]
                with suppress(OSError):
                    packet = os.read(end, _PACKET)
                    if self._random.random() < self._share:
                        self.lost += 1
                        continue
                    self.carried += 1
                    heapq.heappush(waiting, (time.monotonic() + self._delay, self.carried, other, packet))
            while waiting and waiting[0][0] <= time.monotonic():
                _at, _number, target, packet = heapq.heappop(waiting)
                with suppress(OSError):
                    os.write(target, packet)

    def __enter__(self) -> "PacketLine":
        return self

    def __exit__(self, *_error: object) -> None:
        """End the line; nothing reaches the namespace any more, and its addresses are free for the next one."""
        self._ended = True
        self._thread.join()
        for end in self._ends:
            os.close(end)
