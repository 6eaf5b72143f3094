"""How sessions stand, kept up to date beside a screen: each part comes when it is known, and nobody waits for another.

Everything that may wait (git, tmux, Docker, a disk) happens in threads of its own. What is shown is what was known
last; one session that doesn't answer keeps its last state, and the others theirs of now.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..claude import state as claude_state
from ..errors import SessionError, describe_error
from ..model import Repository, Session
from ..store import last_looks, ports, request_cache
from ..system import listening, shell
from ..tools import tmux
from . import conflicts, pull_requests, session_status, shown_rows, worktree_looks
from .shown_rows import PARTS, Facts, Key, Row, Source, by_repository, first_row, key_of, look_of, row_of, with_last
from .worktree_looks import Look

if TYPE_CHECKING:
    from ..tools import docker_services

_WORKERS = 12  # sessions that are looked at together: one that hangs holds one of them
_A_SECOND = 5  # looks of git a second, so that fifty sessions don't keep a machine busy
_CONFLICTS = 6.0  # seconds between two trials of merges
_REQUESTS = 5.0  # seconds between two looks at what the forge said
_REPOSITORIES = 5.0  # seconds between two looks for repositories that are new on this machine
_SILENT = 30.0  # seconds until a worktree that didn't answer is asked again


Find = Callable[[], Sequence[Source]]


class _Known:
    """What is known of one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.look: Look | None = None
        self.distance = (0, 0)
        self.looked = 0.0  # when it was last looked at, or is
        self.is_looking = self.is_assembling = self.is_stale = False
        self.row: Row | None = None


class Feed:
    """Keeps rows; *changed* is called, from any thread, when there are others.

    *find* returns the sources of now, where they may become more; those that are known are the same ones.
    """

    def __init__(self, sources: Sequence[Source], interval: float = 2.0, find: Find | None = None) -> None:
        self.sources, self._interval, self._find = sources, interval, find
        self.changed: Callable[[], None] = lambda: None
        self._last: dict[Key, last_looks.LastLook] = {}  # what an earlier dashboard showed
        self._remembered: set[Path] = set()  # the repositories of which that was read
        self._lock, self._end = threading.Lock(), threading.Event()
        self._known: dict[Key, _Known] = {}
        self._panes: Mapping[str, list[tmux.Pane]] | None = {}
        self._seen: dict[str, float] = {}
        self._listeners: Mapping[int, list[listening.Listener]] = {}
        self._services: dict[Key, docker_services.Seen] = {}
        self._open: claude_state.Open = {}
        self._requests: dict[Path, request_cache.Cached] = {}
        self._conflicts: dict[Key, conflicts.Conflicts] = {}
        self._arrived: set[str] = set()
        self._wake: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []
        self._slots = threading.BoundedSemaphore(_WORKERS)
        self.chosen: Key | None = None  # is looked at more often
        self.gone: Sequence[Repository] = ()  # whose main checkouts were moved or deleted
        self.troubles: dict[str, str] = {}  # by part: why it is not known now
        self.notes: Sequence[str] = ()  # conflicts, as `list` prints them
        self.complete_at = 0.0  # when every part was known for the first time

    def start(self) -> None:
        """Begin to look, in threads that end with the program."""
        self.list_sessions()
        parts: dict[str, tuple[Callable[[], None], float]] = {
            "git": (self._look, min(0.5, self._interval)),
            "ports": (self._listen, self._interval * 1.5),
            "containers": (self._contain, self._interval * 2),
            "claude": (self._ask, min(1.5, self._interval)),
            "conflicts": (self._compare, _CONFLICTS),
            "requests": (self._follow, _REQUESTS),
            **({"repositories": (self._find_sources, _REPOSITORIES)} if self._find else {}),
        }
        self._wake |= {part: threading.Event() for part in parts}
        for part, (renew, pause) in parts.items():
            self._start(self._repeat, part, renew, pause)

    def list_sessions(self) -> None:
        """Begin to look which sessions there are; that alone is what a first look needs."""
        if "sessions" not in self._wake:
            self._wake["sessions"] = threading.Event()
            self._start(self._repeat, "sessions", self._list, min(1.0, self._interval))

    def stop(self) -> None:
        """Look no more."""
        self._end.set()
        self.hurry()

    def join(self, seconds: float) -> None:
        """Wait at most *seconds* until nobody looks any more."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))

    def hurry(self) -> None:
        """Look again at once, as after something was done."""
        with self._lock:
            for known in self._known.values():
                known.looked = 0.0 if known.look is None or not known.look.silence else known.looked
        for event in list(self._wake.values()):
            event.set()

    def rows(self) -> list[Row]:
        """Return what is known of each session, in the order of their repositories and names."""
        with self._lock:
            return [known.row for known in self._known.values() if known.row is not None]

    @property
    def is_listed(self) -> bool:
        """Whether it is known which sessions there are."""
        return "sessions" in self._arrived

    def _repeat(self, part: str, renew: Callable[[], None], pause: float) -> None:
        while not self._end.is_set():
            self._wake[part].clear()
            try:
                if part in ("sessions", "repositories") or len(self.gone) < len(self.sources):
                    renew()
                trouble = ""
            except (SessionError, OSError) as error:
                trouble = describe_error(error)
            if self.troubles.get(part, "") != trouble:
                self.troubles[part] = trouble
                self.changed()
            self._wake[part].wait(pause)

    def _sessions(self) -> list[Session]:
        with self._lock:
            return [known.session for known in self._known.values()]

    def _arrive(self, part: str, is_news: bool = True) -> None:
        is_first = part not in self._arrived
        self._arrived.add(part)
        if is_first and part == "sessions":
            self.changed()  # rows that have nothing more to say yet
            for event in list(self._wake.values()):
                event.set()
        elif is_first or is_news:
            self._assemble_all()

    def _find_sources(self) -> None:
        found = self._find() if self._find else self.sources
        if [each.repository for each in found] != [each.repository for each in self.sources]:
            self.sources = found
            self._wake["sessions"].set()

    def _list(self) -> None:
        shell.ask_silent_again()
        panes, sources = tmux.panes_by_worktree(), self.sources
        listed, self.gone = shown_rows.list_sources(sources, self._sessions())
        for repository in [each.repository for each in sources if each.repository.main not in self._remembered]:
            self._remembered.add(repository.main)
            self._last |= {(str(repository.main), name): e for name, e in last_looks.read_looks(repository).items()}
        seen = tmux.last_visits() if panes else {}
        with self._lock:
            gone = set(self._known) - set(listed)
            is_new = bool(gone or set(listed) - set(self._known))
            self._known = {key: self._known.get(key) or _Known(session) for key, session in listed.items()}
            for key, session in listed.items():
                known = self._known[key]
                known.session = session
                known.row = known.row or with_last(first_row(key, session, panes), self._last.get(key))
            is_news = is_new or (panes, seen) != (self._panes, self._seen)
            self._panes, self._seen = panes, seen
        self._arrive("sessions", is_news)
        if is_new:
            self.changed()
            for part in {"git", "ports", "claude"} & self._wake.keys():
                self._wake[part].set()
        if self.gone:
            raise shown_rows.gone_error(self.gone[0])

    def _look(self) -> None:
        now, pause = time.monotonic(), max(self._interval, len(self._known) / _A_SECOND)
        with self._lock:
            due = []
            for key, known in self._known.items():
                usual = self._interval if key == self.chosen else pause
                wait = _SILENT if known.look is not None and known.look.silence else usual
                if not known.is_looking and (not known.looked or now - known.looked >= wait):
                    known.is_looking, known.looked = True, now
                    due.append(known)
        if not due:
            self._note_looked()
            self._note_complete()
            return
        bases = {}
        for repository in {known.session.repository for known in due}:
            those = [known.session for known in due if known.session.repository == repository]
            bases[repository] = worktree_looks.resolve_bases(repository, those)
        for known in due:
            self._begin(self._look_at, known, bases[known.session.repository])

    def _look_at(self, known: _Known, bases: dict[str, str]) -> None:
        try:
            look = worktree_looks.with_tip(worktree_looks.look_at_worktree(known.session), bases)
            if not (look.silence and known.look is not None and known.look.work is not None):
                known.look, known.distance = look, session_status.measure_distance(look)
            else:  # what was known last, and that git is silent now
                known.look = known.look._replace(failure=look.failure)
        finally:
            known.is_looking = False
        self._assemble(known)
        self._note_looked()

    def _note_looked(self) -> None:
        """Note when every worktree was looked at once: then conflicts can be."""
        with self._lock:
            is_done = all(each.look is not None for each in self._known.values())
        if is_done and self.is_listed and "git" not in self._arrived:
            self._arrived.add("git")
            self._wake["conflicts"].set()

    def _begin(self, work: Callable[..., None], *arguments: object) -> None:
        """Have *work* done in a thread of its own, of which there are not too many."""

        def run() -> None:
            with self._slots:
                try:
                    work(*arguments)
                except (SessionError, OSError) as error:
                    self.troubles["git"] = describe_error(error)

        self._start(run)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads = [each for each in self._threads if each.is_alive() or each.ident is None]
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        if not self.is_listed:
            return
        wanted = {port for session in self._sessions() for port in session.ports.values()}
        listeners = listening.listeners_on(ports.answering_ports(wanted))
        is_news, self._listeners = listeners != self._listeners, listeners
        self._arrive("ports", is_news)

    def _contain(self) -> None:
        from ..tools import docker_services

        services: dict[Key, docker_services.Seen] = {}
        for main, sessions in by_repository(self._sessions()).items():
            for name, seen in docker_services.services_by_session(sessions).items():
                services[str(main), name] = seen
        if services != self._services:
            self._services = services
            self._assemble_all()

    def _ask(self) -> None:
        if not self.is_listed:
            return
        self._open = claude_state.ask_assistants(self._sessions(), self._panes or {})
        self._arrive("claude")

    def _compare(self) -> None:
        if "git" not in self._arrived:
            return
        notes: list[str] = []
        for source in self.sources:
            with self._lock:
                group = [known for known in self._known.values() if known.session.repository == source.repository]
            looks = [known.look for known in group if known.look is not None and not known.look.silence]
            found = conflicts.known_conflicts(source.repository, looks)
            for known in group:
                self._conflicts[key_of(known.session)] = found
            notes += [conflicts.describe_conflict(each) for each in found.each if each.kind == "conflict"]
        self.notes = sorted(set(notes))
        self._arrive("conflicts")

    def _follow(self) -> None:
        if not self.is_listed:
            return
        followed = [source.repository for source in self.sources if source.follows_requests()]
        before, self._requests = self._requests, pull_requests.read_followed(followed, self._sessions())
        self._arrive("requests", self._requests != before)

    def _assemble_all(self) -> None:
        with self._lock:
            every = list(self._known.values())
        for known in every:
            self._assemble(known)

    def _assemble(self, known: _Known) -> None:
        """Bring the row of *known* up to date in the background; while that lasts, another time is noted."""
        with self._lock:
            known.is_stale = True
            if known.is_assembling:
                return
            known.is_assembling = True
        self._start(self._renew_row, known)

    def _renew_row(self, known: _Known) -> None:
        before = known.row
        while True:
            with self._lock:
                if not known.is_stale:
                    known.is_assembling = False
                    break
                known.is_stale = False
            with suppress(SessionError, OSError):  # as where its repository is just being moved away
                known.row = self._row(known)
        if known.row != before:
            self._note_complete()
            self.changed()

    def _note_complete(self) -> None:
        if not self.complete_at and set(PARTS) <= self._arrived and not any(row.pending for row in self.rows()):
            self.complete_at = time.monotonic()
            self.changed()

    def _row(self, known: _Known) -> Row:
        session, key = known.session, key_of(known.session)
        services = {session.name: self._services[key]} if key in self._services else {}
        around = session_status.Surroundings(self._panes, services, self._listeners, self._open)
        cached = self._requests.get(session.repository.main, request_cache.Cached())
        facts = Facts(frozenset(self._arrived), around, known.distance, self._conflicts.get(key), cached, self._seen)
        return with_last(row_of(key, session, known.look, facts), self._last.get(key))

    def note_looks(self, cells: Callable[[Row], Mapping[str, str]]) -> None:
        """Note what is shown of each session, its *cells*, for the next dashboard."""
        rows, now = self.rows(), time.time()
        for repository in [source.repository for source in self.sources if self.is_listed]:
            looks = {row.key[1]: look_of(row, cells(row), now) for row in rows if row.key[0] == str(repository.main)}
            last_looks.write_looks(repository, {name: look for name, look in looks.items() if look is not None})
