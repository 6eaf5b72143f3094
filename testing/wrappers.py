"""Wrappers for git and tmux on PATH that count calls, refuse them, or pretend to be an old version."""

import shutil
from pathlib import Path

_COUNTING = '#!/bin/sh\nline=$(printf "%s " "$@" | tr "\\n" " ")\necho "$line" >> {log}\nexec {real} "$@"\n'
_OLD_TMUX = """#!/bin/sh
case "$*" in
  -V) echo "tmux 2.9a"; exit 0;;
  *source-file*) echo "-: No such file or directory" >&2; exit 1;;
esac
exec {real} "$@"
"""
_OLD_GIT = """#!/bin/sh
case "$*" in
  *worktreepath*) echo "fatal: unknown field name: worktreepath" >&2; exit 128;;
  *version*) echo "git version 2.17.1"; exit 0;;
esac
exec {real} "$@"
"""
_NO_MERGE_TREE = """#!/bin/sh
case "$*" in
  *merge-tree*) echo "usage: git merge-tree <base-tree> <branch1> <branch2>" >&2; exit 129;;
esac
exec {real} "$@"
"""
_NO_COLONS = """#!/bin/sh
case "$*" in
  *source-file*)
    said=$(cat)
    case "$said" in *' -n "'*:[0-9]*'" -'*) echo "invalid window name" >&2; exit 1;; esac
    printf '%s\\n' "$said" | {real} "$@"
    exit;;
esac
exec {real} "$@"
"""
_ENDING_SERVER = """#!/bin/sh
case "$*" in
  *source-file*) if mkdir {once} 2>/dev/null; then echo "server exited unexpectedly" >&2; exit 1; fi;;
esac
exec {real} "$@"
"""
_KILLING = """#!/bin/sh
{real} "$@"
code=$?
case "$*" in
  *{words}*) if mkdir {once} 2>/dev/null; then kill -9 $PPID; fi;;
esac
exit $code
"""


def _install(sandbox: Path, program: str, text: str, **values: str) -> Path:
    real = shutil.which(program)
    assert real is not None
    file = sandbox / "bin" / program
    file.write_text(text.format(real=real, **values))
    file.chmod(0o755)
    return file


def counting(sandbox: Path, program: str) -> Path:
    """Log every start of *program*, a line each; return the log."""
    log = sandbox / f"{program}.starts"
    _install(sandbox, program, _COUNTING, log=str(log))
    return log


def starts(log: Path) -> list[str]:
    """Return what was logged since the last call."""
    found = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return found


def old(sandbox: Path, program: str) -> None:
    """Let git, or tmux, pretend to be a version that is too old."""
    _install(sandbox, program, _OLD_TMUX if program == "tmux" else _OLD_GIT)


def without_colons(sandbox: Path) -> None:
    """Let tmux refuse colons in window names, as some versions do."""
    _install(sandbox, "tmux", _NO_COLONS)


def ending_server(sandbox: Path) -> None:
    """Let the first new tmux session fail because the server is just ending."""
    _install(sandbox, "tmux", _ENDING_SERVER, once=str(sandbox / "ended"))


def without_merge_tree(sandbox: Path) -> None:
    """Let git know only the old form of merge-tree."""
    _install(sandbox, "git", _NO_MERGE_TREE)


def killing_caller(sandbox: Path, program: str, words: str) -> None:
    """Let *program* kill who started it, once, after it has done what these *words* (a shell's pattern) ask."""
    _install(sandbox, program, _KILLING, words=words, once=str(sandbox / "killed"))
