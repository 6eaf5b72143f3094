"""The front door of another repository, `tasks.py`, and the entries of its `.gitignore`."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from pathlib import Path

from develop.embedding import code, dependencies, places
from develop.embedding.layout import EmbedError, Layout, list_ignored


def append_lines(file: Path, lines: str) -> None:
    """Add *lines*, ASCII, to the end of *file*, ended as its own are; without it make it."""
    before = file.read_bytes() if file.exists() else b""
    ending = b"\r\n" if b"\r\n" in before else b"\n"
    with file.open("ab") as opened:
        opened.write(ending if before and not before.endswith(b"\n") else b"")
        opened.write(lines.encode("ascii").replace(b"\n", ending))


_MISSING = "tasks/ is missing here. Commit it, too: git add tasks"
# No imports that look unused, none behind other code: whatever tidies this file leaves it as it is.
NEW = f'''"""The tasks of inv: the sessions, described in docs/sessions.md."""

import sys
from importlib import import_module
from pathlib import Path

if not Path(__file__).with_suffix("").is_dir():
    sys.exit("{_MISSING}")
del sys.modules[__name__]  # Invoke gave this file the name of the package
ns = import_module("tasks").ns
'''
# Invoke loads that file as the module `tasks`; without that name taken away it would import itself.
ADDED = f'''# The sessions of docs/sessions.md, beside the tasks above: this stays at the end of the file.
if not __import__("os").path.isdir(__file__[: -len(".py")]):
    raise SystemExit("{_MISSING}")
__import__("sys").modules.pop(__name__, None)
ns = __import__("tasks").join(globals())
'''
PACKAGE = '''"""The tasks of inv: the sessions, described in docs/sessions.md."""

import sys
from importlib.util import find_spec

if find_spec("tally_sessions"):
    ns = __import__("tally_sessions").ns
elif "invoke" in sys.modules:
    sys.exit("tally-sessions is not installed here. Run: {sync}")
'''
ADDED_PACKAGE = """# The sessions of docs/sessions.md, beside the tasks above: this stays at the end of the file.
if not __import__("importlib.util").util.find_spec("tally_sessions"):
    raise SystemExit("tally-sessions is not installed here. Run: {sync}")
ns = __import__("tally_sessions").join(globals())
"""
# What earlier versions wrote where there was no tasks.py: a linter that removes unused imports breaks it.
_EARLIER = re.compile(rb"with_suffix\(['\"]['\"]\)\.is_dir\(\)")
_EMBEDDED_DOOR = re.compile(
    rb"^from tasks import .*\b(ns|join)\b|import_module\(['\"]tasks['\"]\)|__import__\(['\"]tasks['\"]\)", re.MULTILINE
)
_PACKAGE_DOOR = re.compile(rb"__import__\(['\"]tally_sessions['\"]\)|^from tally_sessions import ", re.MULTILINE)


@dataclass(frozen=True)
class Door:
    """What opens the sessions to Invoke: a whole file, or the lines *added* to a person's."""

    new: str
    added: str
    opened: re.Pattern[bytes]


EMBEDDED_DOOR = Door(NEW, ADDED, _EMBEDDED_DOOR)


def package_door(sync: str) -> Door:
    """Return the door of the installed package, which the command *sync* installs."""
    return Door(PACKAGE.replace("{sync}", sync), ADDED_PACKAGE.replace("{sync}", sync), _PACKAGE_DOOR)


@dataclass(frozen=True)
class Plan:
    """The lines to *add* to *file* (None: none), or its *whole* text, and the message about it."""

    file: Path
    add: str | None
    said: str
    whole: str = ""

    @property
    def left(self) -> bool:
        """Whether the lines are left for a person to add."""
        return self.add is None and not self.whole and bool(self.said)


def plan_front_door(file: Path, patch: bool, door: Door = EMBEDDED_DOOR) -> Plan:
    """Decide what becomes of *file*; raises `EmbedError` when it is not a file of Invoke's."""
    if not os.path.lexists(file):
        return Plan(file, None, "Wrote tasks.py.", door.new)
    if not file.is_file():
        raise EmbedError(f"{file} is not a file. Move it away: `inv` and the package need its name.")
    text = file.read_bytes()
    if _is_wholly_ours(text):
        same = code.meaning(file.name, text) == code.meaning(file.name, door.new.encode())
        return Plan(file, None, "" if same else "Updated tasks.py.", "" if same else door.new)
    if door.opened.search(text):
        return Plan(file, None, "")
    if not (_of_invoke(text) or _EARLIER.search(text)):
        raise EmbedError(f"{file} is not a file of Invoke's tasks. Rename it: `inv` and the package need its name.")
    if patch:
        return Plan(file, f"\n{door.added}", "Added the sessions to the end of tasks.py.")
    return Plan(
        file, None, f"Kept tasks.py. Add these lines to its end, or run this again with --patch:\n\n{door.added}"
    )


def write_front_door(decided: Plan) -> str:
    """Do what was *decided*, and return the message about it."""
    if decided.whole:
        places.replace_file(decided.file, decided.whole.encode())
    elif decided.add is not None:
        append_lines(decided.file, decided.add)
    return decided.said


def _is_wholly_ours(text: bytes) -> bool:
    """Return whether *text* is what we once wrote as a whole, or what a tidying program left of that."""
    if not (_EARLIER.search(text) or _PACKAGE_DOOR.search(text)):
        return False
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return False
    comments = re.findall(rb"(?m)#.*$", text)
    return all(b"Invoke gave this file" in each for each in comments) and all(_is_line_of_ours(each) for each in body)


def _is_line_of_ours(statement: ast.stmt) -> bool:
    text = ast.unparse(statement)
    if isinstance(statement, ast.Import):
        return text == "import sys"
    if isinstance(statement, ast.ImportFrom):
        return statement.module in ("importlib", "importlib.util", "pathlib", "tasks")
    if isinstance(statement, ast.If):
        return "with_suffix('').is_dir()" in text or "find_spec('tally_sessions')" in text
    is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_docstring or text in ("del sys.modules[__name__]", "ns = import_module('tasks').ns")


def _of_invoke(text: bytes) -> bool:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return any(name.partition(".")[0] in ("invoke", "fabric") for name in names)


_ENTRIES = ("/.tally-sessions", ".env.session")
_BYTECODE = "__pycache__/"  # the server in a session's window writes it, and untracked files block a removal


def write_ignores(top: Path, found: Layout) -> str:
    """Add what is missing to `.gitignore`; return what was done."""
    file = top / ".gitignore"
    text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    present = {line.strip().lstrip("/") for line in text.splitlines()}
    missing = [entry for entry in _ENTRIES if entry.lstrip("/") not in present]
    if found.bytecode is not None and not list_ignored(top, f"{found.bytecode or '.'}/__pycache__/x"):
        missing.append(_BYTECODE)
    environment = dependencies.environment_programs(top).partition("/")[0] if found.python == "pip" else ""
    if environment and not list_ignored(top, f"{environment}/pyvenv.cfg"):
        missing.append(f"/{environment}/")
    if not missing:
        return ""
    append_lines(file, "\n".join(missing) + "\n")
    return f"Added to .gitignore: {', '.join(missing)}"
