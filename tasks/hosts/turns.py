"""When each of many connections begins, and which are given up: those that show no life after the others have."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import BoundedSemaphore, Event, Lock, Thread

_AT_ONCE = 8  # below the ten with which sshd begins to refuse (MaxStartups)
_GRACE = 2.0  # seconds that a silent host gets after the others
_LOOK = 0.05


class Turns:
    """Lets a few connections begin at a time, and ends those that are silent when nobody else is waited for."""

    def __init__(self, known: Mapping[str, float], wanted: str = "") -> None:
        self.seconds: dict[str, float] = {}  # until a host's first sign of life
        self.given_up: dict[str, float] = {}  # after how many seconds
        self._known, self._wanted = known, wanted
        self._gate, self._lock, self._ended = BoundedSemaphore(_AT_ONCE), Lock(), Event()
        self._silent: dict[str, tuple[float, Callable[[], None]]] = {}
        self._heard = 0.0  # when the last host showed life

    def wait_for_turn(self) -> None:
        """Wait until one more connection may begin."""
        self._gate.acquire()

    def note_start(self, name: str, kill: Callable[[], None]) -> None:
        """Note that the connection to the host *name* has begun, and how to end it."""
        with self._lock:
            self._silent[name] = time.monotonic(), kill

    def note_life(self, name: str) -> None:
        """Note that the host *name* answers."""
        with self._lock:
            if name not in self._silent:
                return
            self._heard = time.monotonic()
            self.seconds[name] = self._heard - self._silent.pop(name)[0]
        self._gate.release()

    def note_end(self, name: str) -> None:
        """Note that the connection to the host *name* has ended, whether there was an answer or not."""
        with self._lock:
            if name not in self._silent:
                return
            del self._silent[name]
        self._gate.release()

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK):
            with self._lock:
                late = [(name, begun, kill) for name, (begun, kill) in self._silent.items() if self._is_late(name)]
                self.given_up.update({name: time.monotonic() - begun for name, begun, _kill in late})
            for _name, _begun, kill in late:
                kill()

    def _is_late(self, name: str) -> bool:
        """Return whether *name* is given up: a slow line gets twice the time that it took before, or others take.

        Of many that are asked, a silent one is rather slow than off, as behind a machine that all of them pass. The one
        that a person wants has all of its time.
        """
        if not self._heard or name in self.given_up or name == self._wanted:
            return False
        slowest = max(self._known.get(name, 0.0), *self.seconds.values())
        grace = max(_GRACE, (2 if len(self.seconds) < _AT_ONCE else 5) * slowest)
        return time.monotonic() - max(self._heard, self._silent[name][0]) > grace

    def __enter__(self) -> Turns:
        Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
