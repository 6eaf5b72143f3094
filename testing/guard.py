"""Keep tests away from the developer's own HOME, tmux server and conversations."""

import os
import sys
from pathlib import Path
from typing import Any

_REAL_HOME = Path("~").expanduser()
_FORBIDDEN = tuple(
    str(path)
    for path in (
        _REAL_HOME / ".claude", _REAL_HOME / ".claude.json", _REAL_HOME / ".local" / "state" / "tally-sessions",
        Path(os.environ.get("CLAUDE_CONFIG_DIR") or _REAL_HOME / ".claude"), Path(f"/tmp/tmux-{os.getuid()}"),
    )
)  # fmt: skip
_CHANGING = {
    f"session.{task}"
    for task in "add adopt remove rename restore resume start stop merge pr prune refresh setup sync send".split()
}
_MUST_BE_INSIDE = ("HOME", "TMUX_TMPDIR", "XDG_STATE_HOME")

_sandbox: Path | None = None


class OutsideOfSandboxError(AssertionError):
    """A test tried to leave its sandbox."""


def enter(sandbox: Path | None) -> None:
    """Confine the processes that tests start to *sandbox*; None ends that."""
    global _sandbox
    _sandbox = sandbox


def check_environment(env: Any) -> None:
    """Raise unless a child with the environment *env* would stay inside of the sandbox."""
    environment = os.environ if env is None else env
    values = {os.fsdecode(key): os.fsdecode(value) for key, value in dict(environment).items()}
    for key in _MUST_BE_INSIDE:
        if _sandbox is None or not Path(values.get(key, "/")).is_relative_to(_sandbox):
            raise OutsideOfSandboxError(f"a child would start with {key}={values.get(key)}")
    if "TMUX" in values and not values["TMUX"].startswith(str(_sandbox)):
        raise OutsideOfSandboxError(f"a child would start with TMUX={values['TMUX']}")


def _check_place(argv: Any, cwd: Any) -> None:
    """Raise if a task that changes sessions would start outside of the sandbox: it would act on this very checkout."""
    words = {os.fsdecode(word) for word in argv} if isinstance(argv, (list, tuple)) else set[str]()
    place = Path(os.fsdecode(cwd) if cwd else os.getcwd())
    if _CHANGING & words and "--help" not in words and _sandbox and not place.is_relative_to(_sandbox):
        raise OutsideOfSandboxError(f"{' '.join(sorted(_CHANGING & words))} would start in {place}")


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _sandbox is None:
        return
    if event == "subprocess.Popen":
        check_environment(arguments[3])
        _check_place(arguments[1], arguments[2])
    elif event in ("os.posix_spawn", "os.exec"):
        check_environment(arguments[2])
    elif event in ("open", "os.remove", "os.rename", "os.mkdir", "os.rmdir"):
        for path in arguments[: 2 if event == "os.rename" else 1]:
            if isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path).startswith(_FORBIDDEN):
                raise OutsideOfSandboxError(f"a test reaches {os.fsdecode(path)}")


sys.addaudithook(_audit)
