"""Which command puts a shell into the project's Python environment."""

import os
import shlex
from pathlib import Path


def default(main: Path, project: str) -> str:
    """Return what to type for the project of the checkout *main*; empty when it has no environment that we know.

    A virtualenvwrapper environment named *project* comes first, then `.venv` and `venv`, Poetry, Pipenv.
    """
    if command := _virtualenvwrapper(project):
        return command
    for name in (".venv", "venv"):
        if (main / name / "bin" / "activate").is_file():
            return _source(main / name)
    where = shlex.quote(str(main))
    if (main / "poetry.lock").is_file():
        return f'source "$(cd {where} && poetry env info --path)/bin/activate"'
    if (main / "Pipfile").is_file():
        return f'source "$(cd {where} && pipenv --venv)/bin/activate"'
    return ""


def _source(environment: Path) -> str:
    script = "activate.fish" if os.environ.get("SHELL", "").endswith("fish") else "activate"
    return f"source {shlex.quote(str(environment / 'bin' / script))}"


def _virtualenvwrapper(project: str) -> str:
    home = Path(os.environ.get("WORKON_HOME") or "~/.virtualenvs").expanduser()
    environment = home / project
    if not (environment / "bin" / "activate").is_file():
        return ""
    hooks = Path(os.environ.get("VIRTUALENVWRAPPER_HOOK_DIR") or home)
    # `workon` takes most of a second, nearly all of it for its hooks; without any, `activate` does the same in 4 ms.
    if all(_silent(place / hook) for place in (hooks, environment / "bin") for hook in ("preactivate", "postactivate")):
        return _source(environment)
    return f"workon {shlex.quote(project)}"


def _silent(hook: Path) -> bool:
    try:
        lines = hook.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return all(not line.strip() or line.lstrip().startswith("#") for line in lines)


def sourced(activate: str) -> str:
    """Return *activate* for a script: `workon` is a function of interactive shells, what it activates is a file."""
    words = activate.split()
    if len(words) == 2 and words[0] == "workon":
        return f'source "${{WORKON_HOME:-$HOME/.virtualenvs}}"/{words[1]}/bin/activate'
    return activate
