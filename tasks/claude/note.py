"""The note that a conversation gets about its session."""

from __future__ import annotations

from collections.abc import Iterable

from .. import model
from ..config.placeholders import expand_placeholders
from ..model import Session
from ..system.patterns import late_pattern
from ..tools import tmux

_KEY = "claude.note"
_WORD = late_pattern(r"(?<![\${])\{([A-Za-z_]\w*)\}")
_KNOWN = (
    "name slug project branch worktree main component profile tmux urls values activate own shared later".split()
)  # and each port  # fmt: skip


def check_note(template: str, ports: Iterable[str]) -> None:
    """Raise `SessionError` for a placeholder that no session will have."""
    expand_placeholders(template, dict.fromkeys([*_KNOWN, *ports], ""), _KEY)


def note_text(session: Session) -> str:
    """Return the note for *session* as it is now, without the lines about something that it does not have."""
    facts = _facts(session)
    lines = [
        expand_placeholders(line, facts, _KEY)
        for line in session.agent.note.splitlines()
        if all(facts.get(word, "?") for word in _WORD.findall(line))
    ]
    return "\n".join(lines).strip()


def _facts(session: Session) -> dict[str, str]:
    top = session.worktree
    own = [path for path in session.copy if (top / path).exists() and not (top / path).is_symlink()]
    values = [f"{', '.join(names)} in {file}" for file, names in session.env.items() if (top / file).exists()]
    windows = tmux.present_windows(session)
    urls = ", ".join(f"{what} {url}" for what, url in model.list_addresses(session, windows))
    later = ", ".join(window.name for window in windows if window.is_lazy)
    if urls and later:  # not a line of the note: rows from before have that as it was
        urls += f"; {later} starts when somebody attaches, or with: inv session.start {session.name}"
    return {
        **{key: str(port) for key, port in session.ports.items()},
        "name": session.name, "slug": session.slug, "project": session.project, "branch": session.branch,
        "worktree": str(top), "main": str(session.repository.main), "component": session.component,
        "profile": session.profile,
        "tmux": session.tmux, "activate": session.activate, "own": ", ".join(own), "values": "; ".join(values),
        "urls": urls, "later": later,
        "shared": ", ".join(path for path in session.link if (top / path).is_symlink()),
    }  # fmt: skip
