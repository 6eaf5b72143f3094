"""The page that goes along, `docs/sessions.md`: how to begin, and the reference of the configuration."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from develop.embedding import places
from develop.embedding.layout import EmbedError
from tasks.system.version import VERSION

PAGE = "docs/sessions.md"
SCHEMA = "docs/sessions.schema.json"
_TOP = Path(__file__).resolve().parents[2]
_MARK = re.compile(r"<!-- Tally Sessions ([\w.+]+)(?: \((\w+)\))?, digest (\w+) -->\n*\Z")
_BEGIN = """\
# Sessions

Each session is a place to work on one branch: a git worktree with its own ports, servers, database and `.env` files in
a tmux session, and a conversation with Claude Code. The tasks are [Invoke](https://www.pyinvoke.org)'s, and work in the
main checkout and in every worktree.

```sh
{install}
inv session.add try-it       # --dry-run shows what it would do
inv session.list
inv session.attach try-it
inv session.remove try-it    # refuses to lose work; inv session.restore try-it brings it back
```

`inv --list` shows all tasks, and `inv --help session.add` one of them. You need git 2.25, tmux 3.2 and Python 3.10, or
newer. Everybody has their own sessions; only `{configuration}` is shared.

## Where the tasks are from

{origin}

In a worktree the tasks of the main checkout run, so that one version of them writes the list of sessions. To try those
of a branch, set `TALLY_SESSIONS_OWN_CODE=1`.
"""
_EMBEDDED = "Tally Sessions {version} is in `tasks/`, beside the `tasks.py` that Invoke reads."
_PACKAGED = "Tally Sessions {version} is the package `tally-sessions`, which `tasks.py` gives to Invoke."


class Page(NamedTuple):
    """The page at *file*: its text, and of which *version* and *commit* it was; *theirs* if somebody changed it."""

    file: Path
    version: str = ""
    commit: str = ""
    theirs: bool = False


def read_page(top: Path) -> Page:
    """Return the page of the repository *top*. Raises `EmbedError` where no page can be."""
    file = top / PAGE
    if not file.exists():
        above = file.parent
        if above.exists() and not above.is_dir():
            raise EmbedError(f"{above} is not a directory. Move it away: the page on sessions goes into it.")
        return Page(file)
    text = file.read_text(encoding="utf-8", errors="replace")
    mark = _MARK.search(text)
    if mark is None:
        return Page(file, theirs=True)
    return Page(file, mark[1], mark[2] or "", mark[3] != _digest(text[: mark.start()]))


def write_page(page: Page, commit: str, install: str, configuration: str, packaged: bool) -> str:
    """Make *page* the current one unless it is theirs; return what was done."""
    text = _text(commit, install, configuration, packaged)
    text += f"<!-- Tally Sessions {VERSION}{f' ({commit})' if commit else ''}, digest {_digest(text)} -->\n"
    if page.theirs:
        return f"Kept {PAGE}, which somebody has changed. To get the current page, delete it, then run this again."
    if page.file.exists() and page.file.read_text(encoding="utf-8") == text:
        return ""
    verb = "Updated" if page.file.exists() else "Wrote"
    page.file.parent.mkdir(exist_ok=True)
    places.replace_file(page.file, text.encode())
    return f"{verb} {PAGE}."


def write_schema(top: Path) -> str:
    """Put the JSON Schema beside the page, where the tasks are in a package; return what was done."""
    file, content = top / SCHEMA, (_TOP / "tasks" / "config" / "invoke.schema.json").read_bytes()
    if file.exists() and file.read_bytes() == content:
        return ""
    verb = "Updated" if file.exists() else "Wrote"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    return f"{verb} {SCHEMA}."


def _text(commit: str, install: str, configuration: str, packaged: bool) -> str:
    reference = (_TOP / "docs" / "configuration.md").read_text(encoding="utf-8")
    reference = re.sub(r"<!-- (?:from \w+|end) -->\n+", "", reference)
    link = r"\[([^\]]+)\]\((?!#|https?:)[^)]+\)"  # to a page that does not go along
    reference = re.sub(link, r"\1", re.sub(rf"\s\({link}\)", "", reference))
    if packaged:
        reference = reference.replace("tasks/config/invoke.schema.json", SCHEMA)
    reference = re.sub(r"^#", "##", reference, flags=re.MULTILINE)
    version = f"{VERSION} ({commit[:10]})" if commit else VERSION
    origin = (_PACKAGED if packaged else _EMBEDDED).format(version=version)
    begin = _BEGIN.format(install=install, configuration=configuration, origin=origin)
    marks = "<!-- markdownlint-disable -->\n<!-- prettier-ignore-start -->"
    return f"{marks}\n\n{begin}\n{reference}\n<!-- prettier-ignore-end -->\n"


def _digest(text: str) -> str:
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]
