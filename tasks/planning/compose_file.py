"""The compose file that a session begins with, and the services that it says."""

from __future__ import annotations

from typing import Any

from invoke.util import yaml

from .. import git
from ..errors import SessionError
from ..model import Session


class _Loader(yaml.SafeLoader):
    """YAML with compose's own tags, `!reset` and `!override`."""


_load: Any = yaml.load
getattr(_Loader, "add_multi_constructor")("!", lambda _loader, _tag, _node: None)  # noqa: B009 (untyped)


def exists(file: str, session: Session) -> bool:
    """Return whether the commit that *session* begins with, or the main checkout, has the *file*."""
    return (session.repository.main / file).exists() or bool(_committed(file, session))


def text(file: str, session: Session) -> str:
    """Return what is in the compose *file* that *session* will have; raises `SessionError` when it will have none."""
    if file in (*session.copy, *session.link) and (session.repository.main / file).is_file():
        return (session.repository.main / file).read_text(encoding="utf-8", errors="replace")
    committed = _committed(file, session)
    if not committed:
        raise SessionError(
            f"{file} is not in {session.base or session.branch} ({session.tip[:12]}), which the session begins with;"
            " commit it, or do without containers: `compose: {}`"
        )
    return committed


def services(file: str, text: str) -> dict[str, dict[str, Any]]:
    """Return the services that the *text* of the compose *file* says; those that it includes are unknown.

    Raises `SessionError` naming file, line and column when it is no compose file.
    """
    try:
        found = _load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date that is none; too deep
        where = getattr(error, "problem_mark", None)
        place = f":{where.line + 1}:{where.column + 1}" if where else ""
        raise SessionError(f"{file}{place}: not valid YAML: {getattr(error, 'problem', error)}") from None
    said = found.get("services") if isinstance(found, dict) else None
    if said is None and isinstance(found, dict) and "include" in found:
        return {}
    if not isinstance(said, dict) or not all(isinstance(each, (dict, type(None))) for each in said.values()):
        raise SessionError(f"{file}: expected a table `services`, each with its own table")
    return {str(name): each or {} for name, each in said.items()}


def _committed(file: str, session: Session) -> str:
    return git.read(session.repository.main, "show", f"{session.tip}:{file}", check=False)
