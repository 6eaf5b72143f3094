"""Consent: whatever is neither committed nor approved is shown, value by value, before it has an effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from invoke.config import merge_dicts
from invoke.context import Context

from ..config.harmless import Difference, find_differences
from ..config.settings import Settings, parse_settings
from ..errors import OutcomeError, SessionError
from ..model import Repository
from ..store import approvals, configuration
from ..system import progress, terminal
from ..system.patterns import late_pattern
from . import committed_configuration

_TITLE = "The configuration has values that are not committed or approved:"
_SECTIONS = ("run", "sudo", "runners", "tasks", "timeouts")  # Invoke's own
# What a terminal would obey, turn round or not show at all: a command must be read as it is run.
_UNSEEN = late_pattern("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def require_configuration(c: Context, settings: Settings, repository: Repository, agreed: bool) -> None:
    """Have what of *settings* is neither committed nor approved approved, now or by *agreed*, and remember it.

    Raises `SessionError` with all of it otherwise.
    """
    require_differences(find_unapproved(c, settings, repository), repository, agreed)


def settings_for_hosts(c: Context, repository: Repository, agreed: bool = False) -> Settings:
    """Return the configured settings, whose hosts are committed, the person's own or approved."""
    settings = configuration.load_settings(c)
    own: dict[str, Any] = {}
    for level in ("system", "user", "env", "runtime"):
        merge_dicts(own, configuration.plain_tables(getattr(c.config, f"_{level}", None) or {}))
    now = {"session": {"hosts": settings.hosts}}
    if find_differences({"session": {"hosts": _hosts(own)}}, now):
        both = committed_configuration.read_baseline(c, repository)
        merge_dicts(both, own)
        new = find_differences({"session": {"hosts": _hosts(both)}}, now)
        require_differences(new, repository, agreed, "inv fleet.setup HOST --yes")
    return settings


def _hosts(configured: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the hosts of a whole configuration as they are when checked; none where they are wrong."""
    try:
        return parse_settings({"hosts": (configured.get("session") or {}).get("hosts")}).hosts
    except (SessionError, AttributeError):
        return {}


def require_differences(new: Sequence[Difference], repository: Repository, agreed: bool, again: str = "") -> None:
    """Have those of *new* that were not approved before approved, and remember it."""
    if new := _unapproved(new, repository):
        require_agreement(_TITLE, new, agreed, "Commit them, or approve them once.", again)
        approvals.approve_digests([_digest(repository, each) for each in new])


def print_unapproved(c: Context, settings: Settings, repository: Repository, agreed: bool) -> None:
    """Print what `require_configuration` would ask for."""
    if not agreed and (new := find_unapproved(c, settings, repository, dry=True)):
        progress.say(f"session.add would ask you to approve:\n{_listed(new)}")


def find_unapproved(c: Context, settings: Settings, repository: Repository, dry: bool = False) -> list[Difference]:
    """Return what is neither committed nor approved of *settings*, Invoke's own configuration and a compose file.

    The hosts are asked for where they are used.
    """
    now = _effective(c, settings)
    baseline = committed_configuration.read_baseline(c, repository, dry)
    before = {section: baseline.get(section) for section in _SECTIONS}
    before["session"] = _without_hosts(committed_configuration.settings_of(baseline, settings.preset))
    new = find_differences(before, now)
    if settings.compose:
        from . import compose_differences

        sources = (*settings.copy, *settings.link)
        new += compose_differences.find_differences(settings.compose["file"], sources, repository)
    return _unapproved(new, repository)


def require_agreement(title: str, new: Sequence[Difference], agreed: bool, advice: str, again: str = "") -> None:
    """Return if *new* is *agreed* to, or the person at the terminal agrees.

    Raises `SessionError` with what it is otherwise, the *advice*, and the command to run *again*: this, with --yes.
    """
    if agreed:
        return
    question = f"{title}\n{_listed(new)}"
    if not terminal.can_ask():
        raise SessionError(f"{question}\n{advice}\nRun: {again or terminal.command_with_consent()}")
    progress.say(question)
    if not terminal.ask_consent("Approve this for this repository?"):
        raise OutcomeError("Not approved, so nothing was changed.")


def _unapproved(new: Sequence[Difference], repository: Repository) -> list[Difference]:
    digests = approvals.read_approvals() if new else frozenset()
    return [each for each in new if _digest(repository, each) not in digests]


def _effective(c: Context, settings: Settings) -> dict[str, Any]:
    own = {section: configuration.plain_tables(c.config.get(section)) for section in _SECTIONS}
    return {**own, "session": _without_hosts(settings)}


def _without_hosts(settings: Settings) -> dict[str, Any]:
    return {key: value for key, value in committed_configuration.as_table(settings).items() if key != "hosts"}


def _digest(repository: Repository, difference: Difference) -> str:
    return approvals.digest_facts(repository, "approved", difference.key, difference.after)


def _listed(new: Sequence[Difference]) -> str:
    return "\n".join(line for each in new for line in _lines(each))


def _lines(difference: Difference) -> list[str]:
    """Return the key, and below it what was and what is, as a diff has it; of a secret only that it differs."""
    lines = [f"    {_visible(difference.key)}"]
    for sign, values in (("-", difference.before), ("+", difference.after)):
        texts = ["(hidden)"] if difference.is_secret and values else values
        lines += [f"      {sign} {_visible(line)}" for text in texts for line in text.split("\n")]
    return lines


def _visible(text: str) -> str:
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text.replace("\r\n", "\n"))
