"""What is set in a session's windows: its variables, and the project's Python environment."""

from __future__ import annotations

import os
import re
import shlex
from functools import cache
from pathlib import Path

from ..errors import SessionError, SilentError
from ..model import Session
from . import shell
from .patterns import late_pattern
from .progress import notice

_POETRY = late_pattern(r"^\[tool\.poetry\b|^build-backend\s*=\s*[\"']poetry\.", re.MULTILINE)
_WORKON = """{
    _home="${WORKON_HOME:-$HOME/.virtualenvs}"
    source "$_home"/NAME/bin/activate && for _hook in "${VIRTUALENVWRAPPER_HOOK_DIR:-$_home}" "$VIRTUAL_ENV/bin"; do
        if [ -f "$_hook/postactivate" ]; then source "$_hook/postactivate"; fi
    done
}"""
_PATIENCE = 120.0  # seconds that Poetry or Pipenv may take to say where the environment is; on a busy machine 20 do


def default_activation(main: Path, project: str) -> str:
    """Return the command that activates the environment of the checkout *main*; empty when it has none that we know.

    A virtualenvwrapper environment named *project* comes first, then `.venv` and `venv`, Poetry, Pipenv.
    """
    if command := _virtualenvwrapper(project):
        return command
    for name in (".venv", "venv"):
        if (main / name / "bin" / "activate").is_file():
            return _source(main / name)
    question = _managers_question(main)
    return _managed(main, *question) if question else ""


def _managers_question(main: Path) -> tuple[str, ...]:
    """Return the command that prints where Poetry or Pipenv has the environment of *main*; empty without either."""
    if (main / "poetry.lock").is_file() or _POETRY.search(_project_file(main)):
        return ("poetry", "env", "info", "--path")
    return ("pipenv", "--venv") if (main / "Pipfile").is_file() else ()


def _project_file(main: Path) -> str:
    try:
        return (main / "pyproject.toml").read_text(errors="replace")
    except OSError:
        return ""


@cache
def _managed(main: Path, *question: str) -> str:
    """Return the activation of the environment that the answer to *question* names; empty if there is none.

    Asking takes a second, which each window would take again. Where the program isn't on our PATH, the windows ask.
    Raises `SilentError` without an answer: the environment may have the main checkout's code, which is then not seen.
    """
    try:
        answer = shell.read_output(
            *question, cwd=main, env=shell.pristine_environment(), check=False, seconds=_PATIENCE
        )
    except SilentError:
        raise
    except SessionError:
        return f'source "$(cd {shlex.quote(str(main))} && {shlex.join(question)})/bin/activate"'
    environment = Path(answer.strip() or os.devnull)
    if (environment / "bin" / "activate").is_file():
        return _source(environment)
    notice(
        f"{question[0].capitalize()} has no environment for {main} yet, so none is activated."
        f"\nRun: {question[0]} install"
    )
    return ""


def _source(environment: Path) -> str:
    script = "activate.fish" if os.environ.get("SHELL", "").endswith("fish") else "activate"
    return f"source {shlex.quote(str(environment / 'bin' / script))}"


def _virtualenvwrapper(project: str) -> str:
    home = _workon_home()
    environment = home / project
    if not (environment / "bin" / "activate").is_file():
        return ""
    hooks = Path(os.environ.get("VIRTUALENVWRAPPER_HOOK_DIR") or home)
    # `workon` takes most of a second, nearly all of it for its hooks; without any, `activate` does the same in 4 ms.
    if all(
        _is_empty(place / hook) for place in (hooks, environment / "bin") for hook in ("preactivate", "postactivate")
    ):
        return _source(environment)
    return f"workon {shlex.quote(project)}"


def _workon_home() -> Path:
    return Path(os.environ.get("WORKON_HOME") or "~/.virtualenvs").expanduser()


def _is_empty(hook: Path) -> bool:
    try:
        lines = hook.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return all(not line.strip() or line.lstrip().startswith("#") for line in lines)


def sourced_activation(activate: str) -> str:
    """Return *activate* for a script in bash, which has neither fish's files nor the function `workon`.

    The hooks that `workon` sources are sourced; those that it runs can't change anything here.
    """
    words = activate.split()
    if len(words) == 2 and words[0] == "workon":
        return _WORKON.replace("NAME", words[1])
    return re.sub(r"/bin/activate\.fish(?=['\"]?$)", "/bin/activate", activate)


def find_environment(activate: str) -> Path | None:
    """Return the environment that the command *activate* enters; None if its text doesn't say that."""
    try:
        words = shlex.split(activate)
    except ValueError:
        return None
    if len(words) == 2 and words[0] in ("source", ".") and "$" not in words[1]:
        script = Path(words[1]).expanduser()
        return script.parents[1] if script.name in ("activate", "activate.fish") and script.is_absolute() else None
    if len(words) == 2 and words[0] == "workon":
        return _workon_home() / words[1]
    return None


def own_environment(session: Session) -> dict[str, str]:
    """Return the variables of the session's windows; what PYTHONPATH has here comes after its own directories."""
    own, inherited = session.environment, shell.pristine_environment().get("PYTHONPATH", "")
    if not (session.python_path and inherited) or "PYTHONPATH" in session.variables:
        return own
    return {**own, "PYTHONPATH": f"{own['PYTHONPATH']}:{inherited}"}


def session_environment(session: Session) -> dict[str, str]:
    """Return the environment of the session's windows, without the variables of our own surroundings."""
    return {**shell.pristine_environment(), **own_environment(session)}
