"""Configuration files that Invoke cannot read: it does so before any task begins, and would end with a traceback."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from traceback import walk_tb
from types import FrameType, TracebackType

from invoke.config import AmbiguousMergeError
from invoke.util import yaml

from ..errors import SessionError, told

YAMLError = yaml.YAMLError
_READING = {"_load_yaml": "YAML", "_load_json": "JSON"}  # how Invoke's functions are called that read


def tell() -> None:
    """Have such a file told in one line, with the place that is to be mended."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if explained := _explained(error):
            print(explained, file=sys.stderr)
        else:
            before(kind, error, trace)

    sys.excepthook = hook


def _explained(error: BaseException) -> SessionError | None:
    frames = [frame for frame, _line in walk_tb(error.__traceback__)]
    mark = getattr(error, "problem_mark", None)  # YAML's, which Invoke brings along
    if mark is not None:
        where = f"{mark.name}:{mark.line + 1}:{mark.column + 1}"
        problem = getattr(error, "problem", error)
        return SessionError(f"{where}: not valid YAML: {problem}; mend it, then try again")
    if isinstance(error, AmbiguousMergeError):
        return SessionError(f"invoke.yaml and ~/.invoke.yaml differ in kind: {error}; mend one of them, then try again")
    if isinstance(error, (OSError, ValueError, YAMLError)):
        return _of_file(error, frames)
    last = frames[-1] if frames else None
    if last and isinstance(error, AttributeError) and last.f_code.co_name == "merge_dicts":
        return SessionError(
            f"invoke.yaml or ~/.invoke.yaml: expected keys with values, found {error.obj!r}; mend it, then try again"
        )
    if last and isinstance(error, TypeError) and last.f_code.co_name == "_to_env_var":
        key = ".".join(map(str, last.f_locals["key_path"]))
        return SessionError(f"invoke.yaml or ~/.invoke.yaml: the key {key} is no text; mend it, then try again")
    return None


def _of_file(error: OSError | ValueError | YAMLError, frames: Sequence[FrameType]) -> SessionError | None:
    """Return what is wrong with the file that Invoke was reading, if it was: no file, no text, no YAML or JSON."""
    reading = next((frame for frame in frames if frame.f_code.co_name in _READING), None)
    if reading is None:
        return None
    if isinstance(error, OSError):
        return SessionError(told(error))
    file, kind = reading.f_locals["path"], _READING[reading.f_code.co_name]
    return SessionError(f"{file}: not valid {kind}: {str(error).splitlines()[0]}; mend it, then try again")
