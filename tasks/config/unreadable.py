"""Configuration files that Invoke cannot read: it does so before any task begins, and would end with a traceback."""

from __future__ import annotations

import sys
from traceback import walk_tb
from types import TracebackType

from invoke.config import AmbiguousMergeError

from ..errors import SessionError


def tell() -> None:
    """Have such a file told in one line, with the place that is to be mended."""
    before = sys.excepthook

    def told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if explained := _explained(error):
            print(explained, file=sys.stderr)
        else:
            before(kind, error, trace)

    sys.excepthook = told


def _explained(error: BaseException) -> SessionError | None:
    mark = getattr(error, "problem_mark", None)  # YAML's, which Invoke brings along
    if mark is not None:
        where = f"{mark.name}:{mark.line + 1}:{mark.column + 1}"
        problem = getattr(error, "problem", error)
        return SessionError(f"{where}: not valid YAML: {problem}; mend it, then try again")
    if isinstance(error, AmbiguousMergeError):
        return SessionError(f"invoke.yaml and ~/.invoke.yaml differ in kind: {error}; mend one of them, then try again")
    frames = [frame.f_code.co_name for frame, _line in walk_tb(error.__traceback__)]
    if isinstance(error, AttributeError) and frames[-1:] == ["merge_dicts"]:
        return SessionError(
            f"invoke.yaml or ~/.invoke.yaml: expected keys with values, found {error.obj!r}; mend it, then try again"
        )
    if isinstance(error, ValueError) and any(name.startswith("construct_yaml_") for name in frames):
        return SessionError(f"invoke.yaml or ~/.invoke.yaml: not valid YAML: {error}; mend it, then try again")
    return None
