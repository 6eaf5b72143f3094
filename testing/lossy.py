"""A line that loses packets, as what TCP makes of that: what was lost comes later, and all behind it waits."""

import random
import socket
import threading
import time
from contextlib import suppress

_SEGMENT = 1448  # bytes that one packet carries
_AGAIN = 0.2  # seconds after which TCP sends a packet again, at the least


class LossyLine:
    """Carries connections to *port*, each way after half of *seconds*; a *share* of the packets is sent twice."""

    def __init__(self, address: str, port: int, seconds: float, share: float, seed: int = 1) -> None:
        self._target, self._delay, self._share = (address, port), seconds / 2, share
        self._random, self._lock = random.Random(seed), threading.Lock()
        self.lost = self.carried = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _address = self._listener.accept()
                far = socket.create_connection(self._target)
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                time.sleep(self._delay)
                for at in range(0, len(data), _SEGMENT):
                    time.sleep(self._wait())
                    target.sendall(data[at : at + _SEGMENT])
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _wait(self) -> float:
        """Return the seconds that the next packet comes late: each loss doubles the time until it is sent again."""
        late = 0.0
        with self._lock:
            self.carried += 1
            while self._random.random() < self._share:
                self.lost += 1
                late = late * 2 or _AGAIN
        return late

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()
