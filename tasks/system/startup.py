"""What happens before any task: streams, compiled modules, configuration that Invoke can't read."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from threading import Thread
from traceback import walk_tb
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from invoke.config import AmbiguousMergeError
from invoke.util import yaml

if TYPE_CHECKING:
    from ..errors import SessionError


def bytecode_directory() -> Path:
    """Return the directory for compiled modules: outside of the checkout, where it would be an untracked file."""
    return own_directory("XDG_CACHE_HOME", "~/.cache") / "bytecode"


def own_directory(variable: str, default: str) -> Path:
    """Return our directory in the one that *variable* names, or in *default*.

    A relative one is ignored: it would mean a different place in every directory.
    """
    value = os.environ.get(variable, "")
    return Path(value if os.path.isabs(value) else default).expanduser() / "tally-sessions"


def keep_bytecode() -> None:
    """Keep the bytecode of modules that are imported from now on, unless PYTHONDONTWRITEBYTECODE is set.

    Invoke switches that off, and compiling our modules would take half of the time of every `inv`. Where none of the
    path exists, as with HOME=/nonexistent, Python would create it below the current directory.
    """
    place = bytecode_directory()
    if not os.environ.get("PYTHONDONTWRITEBYTECODE") and Path(*place.parts[:2]).is_dir():
        sys.dont_write_bytecode = False
        sys.pycache_prefix = str(place)


_ALLOCATIONS = 100_000  # after which Python looks for cycles: above what any command makes that ends by itself


def ease_collection() -> None:
    """Have Python look for garbage seldom, and never through what was loaded before us: a tenth of every `inv`."""
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)  # it looks through everything once more at the end


def prefetch_modules(*modules: str) -> None:
    """Import *modules* in the background: they will be needed."""
    Thread(target=lambda: [import_module(module) for module in modules], daemon=True).start()


def complete_streams() -> None:
    """Open each closed stream on the null device: the next file would get its number, and our children that file."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8"))


def end_quietly_without_reader() -> None:
    """Let Invoke's own output, as that of `inv --list`, end without a message when its reader has seen enough."""

    def flush() -> None:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _discard_output()

    atexit.register(flush)


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


YAMLError = yaml.YAMLError
_READING = {"_load_yaml": "YAML", "_load_json": "JSON"}  # Invoke's functions that read files


def explain_unreadable_files() -> None:
    """Print one message instead of a traceback for a configuration file that Invoke can't read."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        last = [str(frame.f_globals.get("__name__")) for frame, _line in walk_tb(trace)][-1:]
        if isinstance(error, BrokenPipeError) and last and last[0].endswith((".program", ".task_help")):
            _discard_output()
        elif explained := _explained(error):
            from . import terminal

            print(terminal.told_error(str(explained)), file=sys.stderr)
        else:
            before(kind, error, trace)

    sys.excepthook = hook


def _explained(error: BaseException) -> SessionError | None:
    frames = [frame for frame, _line in walk_tb(error.__traceback__)]
    mark = getattr(error, "problem_mark", None)  # YAML's, which Invoke brings along
    from ..errors import SessionError

    if mark is not None:
        where = f"{mark.name}:{mark.line + 1}:{mark.column + 1}"
        problem = getattr(error, "problem", error)
        return SessionError(f"{where}: not valid YAML: {problem}. Fix it, then try again.")
    if isinstance(error, AmbiguousMergeError):
        return SessionError(f"invoke.yaml and ~/.invoke.yaml conflict: {error}. Change one, then try again.")
    if isinstance(error, (OSError, ValueError, YAMLError)):
        return _of_file(error, frames)
    return _of_merging(error, frames)


def _of_merging(error: BaseException, frames: Sequence[FrameType]) -> SessionError | None:
    """Return what is wrong with values that Invoke read, but can't use; None for anything else."""
    from ..errors import SessionError

    last = frames[-1] if frames else None
    if isinstance(error, RecursionError) and _reads_configuration(frames):
        return SessionError(
            "The configuration is nested too deeply, or an alias (*name) stands within what it names (&name).\n"
            "Check invoke.yaml and ~/.invoke.yaml."
        )
    if isinstance(error, ImportError) and "module_path" in (names := _names_in(frames, "execute")):
        return SessionError(f"tasks.executor_class in invoke.yaml: there is no module {names['module_path']}.")
    if last and isinstance(error, AttributeError) and last.f_code.co_name == "merge_dicts":
        return SessionError(
            f"invoke.yaml or ~/.invoke.yaml: expected keys with values, found {error.obj!r}. Fix it, then try again."
        )
    if last and isinstance(error, TypeError) and last.f_code.co_name == "_to_env_var":
        key = ".".join(map(str, last.f_locals["key_path"]))
        return SessionError(f"invoke.yaml or ~/.invoke.yaml: the key {key} is not text. Fix it, then try again.")
    return None


def _reads_configuration(frames: Sequence[FrameType]) -> bool:
    return any(frame.f_globals.get("__name__") == "invoke.config" for frame in frames)


def _names_in(frames: Sequence[FrameType], function: str) -> Mapping[str, object]:
    """Return the local names of Invoke's *function*, if the error was in it."""
    own = (frame for frame in frames if frame.f_globals.get("__name__") == "invoke.program")
    return next((frame.f_locals for frame in own if frame.f_code.co_name == function), {})


def _of_file(error: OSError | ValueError | YAMLError, frames: Sequence[FrameType]) -> SessionError | None:
    """Return what is wrong with the file that Invoke was reading; None when it was not reading one."""
    reading = next((frame for frame in frames if frame.f_code.co_name in _READING), None)
    if reading is None:
        return None
    from ..errors import SessionError

    if isinstance(error, OSError):
        from ..errors import describe_error

        return SessionError(describe_error(error))
    file, kind = reading.f_locals["path"], _READING[reading.f_code.co_name]
    return SessionError(f"{file}: not valid {kind}: {str(error).splitlines()[0]}. Fix it, then try again.")


def load_all_below(place: Path) -> None:
    """Import all of our modules if they are in the directory *place*, or linked there: it is about to be moved."""
    top, package = Path(__file__).absolute().parents[1], str(__package__).partition(".")[0]
    if top.parent.resolve().is_relative_to(place.resolve()):
        for file in sorted(top.rglob("*.py")):
            if "remote_scripts" not in file.parts:
                import_module(".".join((package, *file.relative_to(top).with_suffix("").parts)))
