"""The file of the work log: our part of its text, and when it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from ..errors import SessionError
from ..model import Repository, Session
from ..store import registry
from ..system import files, locks, reading
from ..system.patterns import late_pattern
from ..system.rooted import Root
from ..tools import git

BEGIN = "<!-- tally-sessions: begin (the status lines follow the sessions, the rest is yours) -->"
END = "<!-- tally-sessions: end -->"
_MARK = late_pattern(r"\s*<!-- tally-sessions: (begin|end)\b.*-->\s*")
_ENTRY = late_pattern(r"<!-- session (\S+) (\S+): (.*) -->\s*")


class Entry(NamedTuple):
    """A session in the log: its text *before* and *after* the status; *name* and *created* identify it."""

    name: str
    created: str
    before: str
    after: str
    status: str

    @property
    def mark(self) -> str:
        """The line before its text, with the status that we wrote."""
        return f"<!-- session {self.name} {self.created}: {self.status} -->"


def update_log(text: str, entries: Sequence[Entry], dropped: tuple[str, str] | None = None) -> str:
    """Return the log *text* with *entries* in our part, without the one *dropped*, else unchanged.

    Of an existing entry only the status is changed, so that people can tick and write there. Raises `SessionError` when
    the marks of our part are not as we made them.
    """
    head, part, tail = _split_log(text.splitlines(keepends=True))
    newline = "\r\n" if "\r\n" in text else "\n"
    blocks = [block for block in _blocks(part[1:-1]) if _key(block) != dropped]
    for entry in entries:
        own = [block for block in blocks if _key(block) == (entry.name, entry.created)]
        for block in own:
            _set_status(block, entry, newline)
        if not own:
            block_text = f"{entry.mark}\n{entry.before}{entry.status}{entry.after}\n\n"
            blocks.append(block_text.replace("\n", newline).splitlines(keepends=True))
    if not part and blocks and head and not head[-1].endswith("\n"):
        head[-1] += newline
    entry_lines = [line for block in blocks for line in block]
    first, last = (part[0], part[-1]) if part else (BEGIN + newline, END + newline)
    return "".join([*head, *([first, *entry_lines, last] if entry_lines else []), *tail])


def logged_sessions(text: str) -> set[tuple[str, str]]:
    """Return the sessions in our part of the log *text*, by name and creation."""
    _head, part, _tail = _split_log(text.splitlines(keepends=True))
    return {_key([line]) for line in part} - {("", "")}


def _split_log(lines: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Return what is before, in and after our part; without one, all is before."""
    marks = [(number, match[1]) for number, line in enumerate(lines) if (match := _MARK.fullmatch(line))]
    if not marks:
        return lines, [], []
    if [kind for _number, kind in marks] != ["begin", "end"]:
        raise SessionError(_edited(marks))
    (begin, _), (end, _) = marks
    return lines[:begin], lines[begin : end + 1], lines[end + 1 :]


def _edited(marks: Sequence[tuple[int, str]]) -> str:
    """Return what is wrong with the *marks*, and how to fix it."""
    begins, ends = ([str(n + 1) for n, kind in marks if kind == which] for which in ("begin", "end"))
    if not ends and len(begins) == 1:
        return f"line {begins[0]} begins the sessions' part and none ends it. Add this line after its last entry: {END}"
    if not begins and len(ends) == 1:
        return (
            f"line {ends[0]} ends the sessions' part and none begins it. Add this line before its first entry: {BEGIN}"
        )
    where = f"begins in {', '.join(begins) or 'no line'} and ends in {', '.join(ends) or 'no line'}"
    return f"the sessions' part {where}. Keep one line that begins it and, after that, one that ends it"


def _blocks(lines: Sequence[str]) -> list[list[str]]:
    """Return the entries, each with its mark; what somebody wrote before the first is a block without."""
    blocks: list[list[str]] = []
    for line in lines:
        if not blocks or _ENTRY.fullmatch(line):
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def _key(block: Sequence[str]) -> tuple[str, str]:
    match = _ENTRY.fullmatch(block[0])
    return (match[1], match[2]) if match else ("", "")


def _set_status(block: list[str], entry: Entry, newline: str) -> None:
    match = _ENTRY.fullmatch(block[0])
    if not match or match[3] == entry.status:
        return  # a status in somebody's own words stays
    prefix, suffix = entry.before.rpartition("\n")[2], entry.after.partition("\n")[0]
    bare = [line.rstrip("\r\n") for line in block]
    places = [n for n, line in enumerate(bare) if n and line == f"{prefix}{match[3]}{suffix}"]
    if prefix:
        places += [n for n, line in enumerate(bare) if n and line.startswith(prefix) and line.endswith(suffix)]
    if places:
        block[places[0]] = f"{prefix}{entry.status}{suffix}{newline}"
    block[0] = entry.mark + newline


_TIME = "%Y-%m-%d %H:%M"


def log_files(rows: Mapping[str, registry.Row]) -> list[str]:
    """Return the log files of the sessions of *rows*."""
    return sorted({log["file"] for row in rows.values() if (log := _log(row))})


def log_names_session(repository: Repository, file: str, session: Session) -> bool:
    """Return whether *file* has an entry of *session*."""
    return (session.name, session.created) in logged_sessions(_read(repository, file))


def write_log(repository: Repository, file: str, adding: str = "", removed: Session | None = None) -> None:
    """Bring *file* up to date with the registry; of the sessions that are still being added only *adding* is written.

    The entry of the session *removed* is taken out, unless it was removed once before. Entries of sessions that are
    not in the registry stay: they are the past, or somebody else's.
    """
    main = Root(repository.main)
    with locks.file_lock(repository.private / "worklog.lock"):
        before, rows, late = _read(repository, file), registry.read_registry(repository), _late(repository)
        if removed is not None:
            rows.pop(removed.name, None)
        public = {name: row for name, row in rows.items() if name == adding or row.get("state", "ready") != "adding"}
        entries = [_entry(name, row) for name, row in public.items() if _log(row).get("file") == file]
        current = {(entry.name, entry.created) for entry in entries}
        entries += [entry for of, entry in late if of == file and (entry.name, entry.created) not in current]
        dropped = (removed.name, removed.created) if removed is not None and not removed.archive else None
        after = update_log(before, entries, dropped)
        if before and not after and not _committed(repository, file):  # nobody but us was in it
            main.delete(str(main.real(file).relative_to(main.path)))
        elif after != before:
            main.write(file, after.encode("utf-8", "surrogateescape"))
        if late:
            _keep(repository, [each for each in late if each[0] != file])


def rename_entry(before: Session, session: Session) -> None:
    """Have the entry of the session *before* say what it is called now; what people wrote there stays."""
    file, main = session.work_log["file"], Root(session.repository.main)
    with locks.file_lock(session.repository.private / "worklog.lock"):
        text = _read(session.repository, file)
        lines = text.splitlines(keepends=True)
        at = next((n for n, line in enumerate(lines) if _key([line]) == (before.name, before.created)), None)
        if at is None:
            return
        lines[at] = lines[at].replace(f"session {before.name} ", f"session {session.name} ", 1)
        rest = "".join(lines[at + 1 :])
        if rest.startswith(before.work_log["before"]):
            rest = session.work_log["before"] + rest.removeprefix(before.work_log["before"])
        main.write(file, ("".join(lines[: at + 1]) + rest).encode("utf-8", "surrogateescape"))


def _committed(repository: Repository, file: str) -> bool:
    """Return whether git has *file*: then it existed before us, though perhaps empty."""
    return bool(git.read_git(repository.main, "ls-files", "--", f":(literal){file}"))


def note_removal(session: Session, removed: str) -> None:
    """Note for the next `write_log` that *session* was *removed*, a time: its row will be gone by then."""
    facts = {"state": "removing", "removed": removed, "created": session.created, "work_log": dict(session.work_log)}
    with locks.file_lock(session.repository.private / "worklog.lock"):
        late = (session.work_log["file"], _entry(session.name, facts))
        _keep(session.repository, [*(each for each in _late(session.repository) if each != late), late])


def _late(repository: Repository) -> list[tuple[str, Entry]]:
    try:
        entries = json.loads(reading.read_text(repository.private / "worklog.json"))
        return [(str(file), Entry(**{key: str(fact) for key, fact in entry.items()})) for file, entry in entries]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, AttributeError):  # nobody else writes that file; what it noted is lost
        return []


def _keep(repository: Repository, late: list[tuple[str, Entry]]) -> None:
    path = repository.private / "worklog.json"
    if late:
        files.write_whole(path, json.dumps([(file, entry._asdict()) for file, entry in late]), mode=0o600)
    else:
        path.unlink(missing_ok=True)


def _read(repository: Repository, file: str) -> str:
    main = Root(repository.main)
    try:
        if main.real(file).exists() and not main.real(file).is_file():
            raise SessionError("it is not a file")
        return main.read(file).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""


def _log(row: Mapping[str, object]) -> Mapping[str, str]:
    log = row.get("work_log")
    if isinstance(log, dict) and all(isinstance(log.get(key), str) for key in ("file", "before", "after")):
        return log
    return {}


def _entry(name: str, row: registry.Row) -> Entry:
    log = _log(row)
    return Entry(name, str(row.get("created")), log["before"], log["after"], log_status(row))


def log_status(row: registry.Row) -> str:
    """Return the status that *row* says; merged and removed are times, and are shown together."""
    facts = [("MERGED", row.get("merged"))]
    if row.get("state") == "removing":
        facts.append(("REMOVED", row.get("removed")))
    ended = [_dated(word, at) for word, at in facts if at]
    return ", ".join(ended) or ("PAUSED" if row.get("paused") else "IN PROGRESS")


def _dated(word: str, at: object) -> str:
    try:
        return f"{word} {datetime.fromisoformat(str(at)):{_TIME}}"
    except ValueError:
        return word
