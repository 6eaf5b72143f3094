"""What a session is for: its component and profile, the issue and the ETA, and its entry in the work log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..config.placeholders import expand
from ..errors import SessionError
from ..request import Request
from ..settings import Settings

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,/-]*")  # they become part of the commands that windows run
_UNPRINTED = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")


def check(asked: Request, settings: Settings) -> None:
    """Raise `SessionError` for what cannot be asked for, before anything is looked at."""
    for option, value in (("--component", asked.component), ("--profile", asked.profile)):
        if value and not _WORD.fullmatch(value):
            expected = "letters, digits and - _ . , / beginning with a letter or digit"
            raise SessionError(f"{option} {value!r}: expected {expected}, for example {option} test")
    known = settings.components
    if asked.component and known and asked.component not in known:
        raise SessionError(f"--component {asked.component}: not one of `components`; known: {', '.join(known)}")
    for option, value in (("--issue", asked.issue), ("--eta", asked.eta)):
        if _UNPRINTED.search(value) or "<!--" in value:
            raise SessionError(f"{option} {value!r}: expected one line of text, without <!--")
    if asked.template and not settings.work_log:
        raise SessionError("--template is for the work log, which is off; to keep one configure `work_log`")
    if asked.template and asked.template not in settings.work_log["templates"]:
        listed = ", ".join(settings.work_log["templates"])
        raise SessionError(f"--template {asked.template}: not one of `work_log.templates`; known: {listed}")


def decide(asked: Request, settings: Settings, facts: Mapping[str, str], created: datetime) -> dict[str, Any]:
    """Return what the session is for, and its entry in the work log in two parts: before and after the status."""
    wishes: dict[str, Any] = {"component": asked.component, "profile": asked.profile}
    wishes |= {"issue": asked.issue, "eta": asked.eta}
    if not settings.work_log:
        return wishes
    templates = settings.work_log["templates"]
    fitting = (asked.component, "component") if asked.component else ()
    name = asked.template or next((each for each in (*fitting, *templates) if each in templates), "")
    more = {"issue": asked.issue, "eta": asked.eta, "started": f"{created:%Y-%m-%d %H:%M}", "status": "\0"}
    more |= {"paths": ", ".join(f"`{path}`" for path in settings.components.get(asked.component, ()))}
    text = _filled(templates[name], {**facts, **more}, f"work_log.templates.{name}")
    before, _, after = text.partition("\0")
    return {**wishes, "work_log": {"file": settings.work_log["file"], "before": before, "after": after}}


def _filled(template: str, facts: Mapping[str, str], key: str) -> str:
    """Return *template* without the lines that only name what nobody said."""
    lines = []
    for line in template.split("\n"):
        named = [fact for fact in facts if f"{{{fact}}}" in line]
        if not named or any(facts[fact] for fact in named):
            lines.append(expand(line, facts, key))
    return "\n".join(lines)
