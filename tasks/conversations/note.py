"""What a conversation is told about its session: the template of the configuration, filled with the session's facts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .. import addresses
from ..config.placeholders import expand
from ..model import Session

_KEY = "claude.note"
_WORD = re.compile(r"(?<![\${])\{([A-Za-z_]\w*)\}")
_KNOWN = (
    "name slug project branch worktree main component profile tmux urls values activate own shared".split()
)  # and each port  # fmt: skip


def check(template: str, ports: Iterable[str]) -> None:
    """Raise `SessionError` for a placeholder that no session will have."""
    expand(template, dict.fromkeys([*_KNOWN, *ports], ""), _KEY)


def text(session: Session) -> str:
    """Return the note for *session* as it is now; a line that refers to something it does not have is left out."""
    facts = _facts(session)
    lines = [
        expand(line, facts, _KEY)
        for line in session.agent.note.splitlines()
        if all(facts.get(word, "?") for word in _WORD.findall(line))
    ]
    return "\n".join(lines).strip()


def _facts(session: Session) -> dict[str, str]:
    top = session.worktree
    own = [path for path in session.copy if (top / path).exists() and not (top / path).is_symlink()]
    values = [f"{', '.join(names)} in {file}" for file, names in session.env.items() if (top / file).exists()]
    return {
        **{key: str(port) for key, port in session.ports.items()},
        "name": session.name, "slug": session.slug, "project": session.project, "branch": session.branch,
        "worktree": str(top), "main": str(session.repository.main), "component": session.component,
        "profile": session.profile,
        "tmux": session.tmux, "activate": session.activate, "own": ", ".join(own), "values": "; ".join(values),
        "urls": ", ".join(f"{what} {url}" for what, url in addresses.of(session)),
        "shared": ", ".join(path for path in session.link if (top / path).is_symlink()),
    }  # fmt: skip
