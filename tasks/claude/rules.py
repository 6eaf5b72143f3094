"""The permission rules of a session, compared with the main checkout's."""

from __future__ import annotations

import json
import os
import shlex
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import SessionError
from ..model import RULES, Problem, Repository, Session
from ..store import archive, exclude, registry
from ..system import files, locks, shape, shell
from ..system.progress import notice
from . import version as claude_version

FILE = RULES
KINDS = ("allow", "ask", "deny")
_FILE_FORM = shape.fields_form({}, {"permissions": shape.fields_form({})})


Rules = Mapping[str, list[str]]


def parse_rules(value: object) -> dict[str, list[str]]:
    """Return the rules in a table of lists, each once; a value of another form has none."""
    table = value if isinstance(value, dict) else {}
    rules = {kind: [rule for rule in table.get(kind) or () if isinstance(rule, str)] for kind in KINDS
             if isinstance(table.get(kind), list)}  # fmt: skip
    return {kind: list(dict.fromkeys(each)) for kind, each in rules.items() if each}


def count_rules(table: Rules) -> int:
    """Return how many rules there are."""
    return sum(map(len, table.values()))


def _count_text(rules: Rules) -> str:
    count = count_rules(rules)
    return f"{count} permission rule{'' if count == 1 else 's'}"


def read_rules_file(file: Path) -> dict[str, Any]:
    """Return what is in *file*; nothing when it does not exist.

    Raises `SessionError` when it cannot be read, or is not a JSON object.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise SessionError(f"{file} is not a file. Nothing was changed.")
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SessionError(f"Couldn't read {file}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SessionError(f"{file} is not valid JSON: {error}\nFix the file. Nothing was changed.") from None
    if fault := _FILE_FORM(content, ""):
        raise SessionError(f"{file}: {fault}.\nFix the file. Nothing was changed.")
    return dict(content)


def read_rules(file: Path) -> dict[str, list[str]]:
    """Return the rules in *file*, none when it does not exist; raises as `read_rules_file` does."""
    return parse_rules(read_rules_file(file).get("permissions"))


class Comparison(NamedTuple):
    """A session's rules and the main checkout's, compared with what was copied into the session.

    *new* are only in the session, *revoked* were removed from the main checkout since, *dropped* from the session;
    *conflicts* are new ones that are of another kind in the main checkout.
    """

    new: Rules
    revoked: Rules
    dropped: Rules
    conflicts: Rules


def compare_rules(base: Rules, ours: Rules, theirs: Rules) -> Comparison:
    """Return how a session's rules, *ours*, differ from the main checkout's, *theirs*; *base* are the copied ones."""
    sides: dict[str, dict[str, list[str]]] = {word: {} for word in ("new", "revoked", "dropped", "conflicts")}
    for kind in KINDS:
        copied, own, main = (set(table.get(kind, ())) for table in (base, ours, theirs))
        elsewhere = {rule for other in KINDS if other != kind for rule in theirs.get(other, ())}
        for rule in ours.get(kind, ()):
            if rule not in copied | main:
                sides["conflicts" if rule in elsewhere else "new"].setdefault(kind, []).append(rule)
            elif rule not in main:
                sides["revoked"].setdefault(kind, []).append(rule)
        for rule in theirs.get(kind, ()):
            if rule in copied - own:
                sides["dropped"].setdefault(kind, []).append(rule)
    return Comparison(**sides)


def merge_rules(repository: Repository, base: Rules, ours: Rules) -> Rules:
    """Add the session's new rules to the main checkout's file and return them; its other content stays.

    Raises `SessionError` when the file cannot be changed.
    """
    file = repository.main / FILE
    with locks.file_lock(repository.private / "rules.lock"):
        new = compare_rules(base, ours, read_rules(file)).new
        if not new:
            return new
        text = _with_rules(file, new)
        if file.exists() and not file.stat().st_mode & stat.S_IWUSR:
            raise SessionError(f"{file} is read-only.\nRun: chmod u+w {shlex.quote(str(file))}")
        shell.echo_command(f"# add {_count_text(new)} to {file}")
        os.makedirs(file.parent, exist_ok=True)
        files.write_whole(file, text, mode=0o600)
    return new


def _with_rules(file: Path, new: Rules) -> str:
    """Return the text of *file* with the rules *new* added, and every other byte as it is."""
    try:
        text = file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return json.dumps({"permissions": dict(new)}, indent=2, ensure_ascii=False) + "\n"
    except UnicodeDecodeError as error:  # JSON may be UTF-16
        raise SessionError(f"{file} is not UTF-8: {error}\nSave it as UTF-8. Nothing was changed.") from None
    for kind, each in new.items():
        try:
            from ..system import json_splice

            text = json_splice.add_values(text, ("permissions", kind), each)
        except TypeError:
            raise SessionError(
                f"{file}: permissions.{kind} is not a list.\nFix the file. Nothing was changed."
            ) from None
    return text


_SAVED = ("files", "raw", "hidden")  # directories of an archive of an earlier version that may have the file


class Granted(NamedTuple):
    """The rules in one session's *file*, and those that were copied into it, *base*; *live* when it is not removed."""

    name: str
    repository: Repository
    file: Path
    base: Rules
    ours: Rules
    live: bool

    @property
    def comparison(self) -> Comparison:
        """How they differ from the main checkout's now; without the file in nothing."""
        if not self.file.exists():
            return Comparison({}, {}, {}, {})
        return compare_rules(self.base, self.ours, read_rules(self.repository.main / FILE))

    def record(self, merged: Rules) -> dict[str, Any]:
        """Return it as `permissions --json` shows it; *merged* were just added to the main checkout."""
        version = claude_version.installed_version()
        return {
            "name": self.name, "file": str(self.file), "main": str(self.repository.main / FILE),
            "claude_version": claude_version.format_version(version) if version else None,
            "shared": claude_version.shares_rules(version, self.repository), **self.comparison._asdict(),
            "merged": merged,
        }  # fmt: skip


def removed_rules(name: str, repository: Repository) -> Granted | None:
    """Return what was granted in the removed session *name*, the newest of that name; None without one."""
    saved = next((each for each in archive.list_archives(repository) if each.name == name), None)
    return _archived_rules(saved, repository) if saved else None


def granted_rules(session: Session) -> Granted:
    """Return what was granted in *session*. Raises `SessionError` when its file cannot be read."""
    row = registry.read_registry(session.repository).get(session.name, {})
    file = session.worktree / FILE
    base = parse_rules(row.get("rules"))
    return Granted(session.name, session.repository, file, base, read_rules(file), live=True)


def merge_granted(granted: Granted) -> Rules:
    """Add the new rules of *granted* to the main checkout and return them; conflicts stay for the user to decide."""
    added = merge_rules(granted.repository, granted.base, granted.ours)
    if granted.live:
        # What both have is in the base, even if an earlier merge was killed before it wrote that: what the main
        # checkout removes from now on was revoked there.
        main = read_rules(granted.repository.main / FILE)
        base = parse_rules({kind: _shared_rules(granted, main, kind) for kind in KINDS})
        if base != granted.base:
            registry.note_facts(granted.repository, granted.name, rules=base)
        exclude.refresh_exclude(granted.repository)
    return added


def _shared_rules(granted: Granted, main: Rules, kind: str) -> list[str]:
    """Return the rules of one *kind* that were copied, and those that the main checkout has as well."""
    copied, theirs = granted.base.get(kind, ()), main.get(kind, ())
    return [*copied, *(rule for rule in granted.ours.get(kind, ()) if rule in theirs and rule not in copied)]


def mention_lost_rules(saved: archive.Archive | None, repository: Repository) -> None:
    """Print how many rules of a removed session the main checkout does not have."""
    try:
        granted = _archived_rules(saved, repository) if saved else None
        count = count_rules(granted.comparison.new) if granted else 0
    except SessionError:  # one of the files is damaged: the archive has it as it is
        return
    if granted and count:
        rules, verb = _count_text(granted.comparison.new), "is" if count == 1 else "are"
        notice(
            f"{rules} of {granted.name} {verb} not in the main checkout.\nRun: inv session.permissions {granted.name}"
        )


def rules_problems(session: Session) -> list[Problem]:
    """Return the rules that were removed from the main checkout, and that the session's own file still has."""
    try:
        revoked = granted_rules(session).comparison.revoked.get("allow", [])
    except SessionError as error:
        fact, _, advice = str(error).partition("\n")
        return [Problem(fact, "Claude Code cannot use it", advice or "fix or delete it")]
    if not revoked:
        return []
    rules = ", ".join(map(_printable, revoked[:3]))
    what = f"rules that were removed from the main checkout are still allowed here: {rules}"
    return [Problem(what, "Claude acts on them without asking", f"remove them from {session.worktree}/{FILE}")]


def _archived_rules(saved: archive.Archive, repository: Repository) -> Granted:
    tops = [saved.tree] if saved.is_whole else [saved.directory / kind for kind in _SAVED]
    places = [top / FILE for top in tops]
    file = next((place for place in places if place.is_file()), places[0])
    base = parse_rules(saved.facts["row"].get("rules"))
    return Granted(saved.name, repository, file, base, read_rules(file), live=False)


def format_granted(granted: Granted, merged: Rules) -> str:
    """Return for people what was granted, and what can be done about it."""
    version, main = claude_version.installed_version(), granted.repository.main / FILE
    name, difference = granted.name, granted.comparison
    lines = [f"Added to {main}:", *_list_rules("+", merged)] if merged else []
    if difference.new:
        lines += [f"In {name}, not in the main checkout:", *_list_rules("+", difference.new)]
        lines += [f"Add them there: inv session.permissions {name} --merge"]
    for title, sign, table in (
        (f"In {name}, but removed from the main checkout since:", "-", difference.revoked),
        (f"In the main checkout, but removed from {name} since:", " ", difference.dropped),
        (f"Of another kind in the main checkout, so never merged. Decide in {main}:", "!", difference.conflicts),
    ):
        lines += [title, *_list_rules(sign, table)] if table else []
    lines = lines or [f"No new permission rules in {name}."]
    if claude_version.shares_rules(version, granted.repository):
        program = f"Claude Code {claude_version.format_version(version)}"
        lines += [f"{program} saves rules in {main} itself, for all sessions."]
    return "\n".join(lines)


def _list_rules(sign: str, table: Rules) -> Sequence[str]:
    return [f"  {sign} {kind:<5} {_printable(rule)}" for kind, each in table.items() for rule in each]


def _printable(rule: str) -> str:
    """Return *rule* without what a terminal would obey."""
    return rule if rule.isprintable() else repr(rule)
