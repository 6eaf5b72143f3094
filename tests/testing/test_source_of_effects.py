"""Held by reading the source: who may make, change, rename or delete files without `tasks/system/rooted.py`."""

import ast
from collections.abc import Iterator

import pytest

from testing.project import CHECKOUT

_TASKS = CHECKOUT / "tasks"
_OS = frozenset(
    "unlink remove removedirs rename renames replace rmdir symlink link mkdir makedirs truncate chmod chown utime"
    " mknod mkfifo".split()
)
_SHUTIL = frozenset("rmtree move copy copy2 copyfile copymode copystat copytree".split())
_PATH = frozenset("unlink rmdir mkdir symlink_to hardlink_to link_to write_text write_bytes touch chmod lchmod".split())
_ATOMIC = frozenset("write_whole replaced_file sweep_leftovers".split())
_PROGRAMS = frozenset("rm mv cp ln".split())

# The only ones that may, and why none of it is below a worktree, an archive or the main checkout, or cannot be.
_ALLOWED = {
    "system/rooted.py": "the component itself",
    "system/copies.py": "the times of what it has opened through the component",
    "system/files.py": ("files of our own state, each by its whole path; what was moved aside before, in our trash"),
    "system/locks.py": "locks in our own directories",
    "system/copy.py": (
        "our note in git's directory for a worktree; writes what the component has "
        "just made, by a name that nobody can guess; locks in our own directories; "
        "the same: SQLite takes paths only"
    ),
    "store/registry.py": "the registry, which may be a link on purpose",
    "store/ports.py": "our state in the home directory, and one file in our own directory in git's",
    "store/approvals.py": "our state in the home directory",
    "claude/silence.py": "our state in the home directory",
    "claude/version.py": "our state in the home directory",
    "claude/json_file.py": (
        "Claude Code's own file in the home directory, which may be a link on purpose; Claude Code's lock beside it"
    ),
    "claude/hooks.py": "our directory in git's for a conversation",
    "claude/launch.py": "our directory in git's for a conversation",
    "claude/send.py": "our directory in git's for a conversation",
    "resources/claude_launch.py": "our directory in git's for a conversation",
    "store/host_cache.py": "our own directory in git's",
    "store/last_looks.py": "our own directory in git's",
    "store/request_cache.py": "our own directory in git's",
    "tools/forge_survey.py": "our own directory in git's; a program that has the standard library alone",
    "resources/worklog_file.py": "the same, for what a work log could not be told",
    "store/snapshot.py": "a directory of tempfile's",
    "status/session_changes.py": "a directory of tempfile's",
    "status/worktree_diff.py": "a directory of tempfile's",
    "hosts/handover_arrival.py": "what arrives: in a new directory whose name is drawn at random",
    "hosts/handover_conversation.py": "Claude Code's transcripts, in the home directory; an archive's own list",
    "hosts/reach.py": "our state in the home directory",
    "hosts/remote_scripts/survey.py": "our directory in git's, on a host",
    "hosts/remote_scripts/wheels.py": "a directory of tempfile's, on a host",
    "hosts/setup.py": "a directory of tempfile's",
    "hosts/remote_scripts/files.py": (
        "runs on a host with the standard library alone, and looks by itself that nothing leads out"
    ),
    "hosts/remote_scripts/checkout.py": "makes a checkout on a host where there is none",
    "store/aside.py": "moves a whole worktree, and git's directory for it, by a rename",
    "store/branch_record.py": "a branch's reflog, in git's own directory and in the archive's",
    "store/links.py": ("git's directory for a worktree; the worktree's link goes through the component"),
    "store/refilling.py": "descends by descriptors without following a link, as the component does",
    "store/shown_removals.py": "a new file in the dashboard's own directory, which replaces none",
    "store/thinning.py": ("runs in the background with the standard library alone, and descends by descriptors"),
    "resources/worktree.py": "moves a whole worktree aside, and deletes git's record of it",
    "claude/rules.py": "the rules of the main checkout, which may be a link on purpose",
    "integrate/interrupted_merge.py": "our own directory in git's",
    "integrate/half_checkout.py": "takes back, in a checkout, what git has just written there",
    "integrate/rename.py": "our directory in git's for a conversation; Claude Code's transcript, in the home directory",
    "tools/fresh_index.py": "a copy of git's index beside it, in git's own directory",
    "tools/worktree_status.py": "the same copy, which a kill left",
    "tools/node_packages.py": "fills a directory that the component has just named, as nobody can guess",
    "tools/stale_locks.py": "git's locks, in git's own directories",
}


def _writes(call: ast.Call) -> bool:
    """Return whether *call* makes, changes, renames or deletes a file by its path."""
    first = ast.unparse(call.args[0]).strip("'") if call.args else ""
    if isinstance(call.func, ast.Name):
        return call.func.id == "open" and _is_writing(call.args[1:2], call)
    if not isinstance(call.func, ast.Attribute):
        return False
    owner, name = ast.unparse(call.func.value), call.func.attr
    if owner == "os":
        return name in _OS or (name == "open" and "O_CREAT" in ast.unparse(call))
    if owner in ("shutil", "files"):
        return name in (_SHUTIL if owner == "shutil" else _ATOMIC)
    if name in ("rename", "replace"):  # of a path; that of a text has two arguments
        return len(call.args) == 1
    if name == "open":
        return _is_writing(call.args[:1], call)
    return name in _PATH or (owner == "shell" and first in _PROGRAMS)


def _is_writing(mode: list[ast.expr], call: ast.Call) -> bool:
    words = [*mode, *(each.value for each in call.keywords if each.arg == "mode")]
    return any(isinstance(word, ast.Constant) and {*str(word.value)} & {*"wax+"} for word in words)


def _effects(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _writes(node):
            yield f"{node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.ImportFrom) and node.module in ("os", "shutil"):
            yield from (f"{node.lineno}: imports {each.name}" for each in node.names if each.name in _OS | _SHUTIL)


def test_nothing_but_the_rooted_component_writes_below_a_worktree_an_archive_or_the_main_checkout() -> None:
    found = {str(file.relative_to(_TASKS)): [*_effects(file.read_text("utf-8"))] for file in _TASKS.rglob("*.py")}

    assert {file: effects for file, effects in found.items() if effects and file not in _ALLOWED} == {}


def test_nobody_is_allowed_who_does_not_need_it() -> None:
    scripts = set[str]()  # a program of the shell's

    assert {file for file in _ALLOWED if not [*_effects((_TASKS / file).read_text("utf-8"))]} == scripts


_SEEN = (
    "os.unlink(x)", "os.replace(x, y)", "shutil.rmtree(x)", "path.unlink(missing_ok=True)", "(a / b).rename(c)",
    "a.replace(b)", "path.open('w')", "open(x, 'ab')", "open(x, mode='w')", "os.open(x, os.O_CREAT | os.O_EXCL)",
    "a.b.write_text('')", "files.write_whole(x, y)", "from os import unlink", "shell.run('rm', '-rf', x)",
    "p.symlink_to(x)",
)  # fmt: skip
_NOT_SEEN = ("text.replace('a', 'b')", "open('wax')", "path.open('rb')", "os.open(x, os.O_RDONLY)")


@pytest.mark.parametrize("source", _SEEN)
def test_an_effect_is_seen(source: str) -> None:
    assert [*_effects(source)]


@pytest.mark.parametrize("source", _NOT_SEEN)
def test_what_only_reads_is_none(source: str) -> None:
    assert [*_effects(source)] == []
