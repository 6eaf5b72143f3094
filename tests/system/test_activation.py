"""What is typed to enter the project's Python environment."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.errors import SilentError
from tasks.system import activation

_SILENT = "#!/bin/bash\n# This hook is sourced after every virtualenv is activated.\n\n"


@pytest.fixture
def main(sandbox: Path) -> Path:
    (sandbox / "main").mkdir()
    return sandbox / "main"


@pytest.fixture
def workon_home(sandbox: Path) -> Path:
    """Return a virtualenvwrapper home with the environment `tally`, whose hooks do nothing."""
    home = sandbox / "home" / ".virtualenvs"
    environment(home / "tally")
    for place in (home, home / "tally" / "bin"):
        for hook in ("preactivate", "postactivate"):
            (place / hook).write_text(_SILENT)
    return home


def environment(place: Path) -> None:
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "activate").write_text(f"export VIRTUAL_ENV={shlex.quote(str(place))}\n")
    (place / "bin" / "activate.fish").write_text("")


def active(command: str) -> str:
    """Return which environment a shell is in after *command*."""
    argv = ["bash", "-c", f'{command} >/dev/null && echo "$VIRTUAL_ENV"']
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def test_without_an_environment_nothing_is_typed(main: Path) -> None:
    assert activation.default_activation(main, "tally") == ""


@pytest.mark.parametrize("name", [".venv", "venv"])
def test_an_environment_in_the_main_checkout_is_sourced(main: Path, name: str) -> None:
    environment(main / name)

    assert active(activation.default_activation(main, "tally")) == str(main / name)


def test_dot_venv_comes_before_venv(main: Path) -> None:
    environment(main / "venv")
    environment(main / ".venv")

    assert active(activation.default_activation(main, "tally")) == str(main / ".venv")


def test_a_directory_without_activate_is_no_environment(main: Path) -> None:
    (main / "venv").mkdir()

    assert activation.default_activation(main, "tally") == ""


def test_a_path_with_spaces_and_quotes_is_quoted(sandbox: Path) -> None:
    main = sandbox / "it's my $project"
    environment(main / ".venv")

    assert active(activation.default_activation(main, "tally")) == str(main / ".venv")


def test_fish_sources_its_own_script(main: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    environment(main / ".venv")

    assert activation.default_activation(main, "tally") == f"source {main}/.venv/bin/activate.fish"


def test_virtualenvwrapper_comes_first_and_silent_hooks_make_it_a_source(main: Path, workon_home: Path) -> None:
    environment(main / ".venv")

    found = activation.default_activation(main, "tally")

    assert found.startswith("source ")
    assert active(found) == str(workon_home / "tally")


@pytest.mark.parametrize("hook", ["preactivate", "postactivate", "tally/bin/preactivate", "tally/bin/postactivate"])
def test_a_hook_that_does_something_needs_workon(main: Path, workon_home: Path, hook: str) -> None:
    (workon_home / hook).write_text(_SILENT + "  export DJANGO_SETTINGS_MODULE=x\n")

    assert activation.default_activation(main, "tally") == "workon tally"


def test_hooks_that_are_missing_are_silent(main: Path, workon_home: Path) -> None:
    (workon_home / "postactivate").unlink()

    assert activation.default_activation(main, "tally").startswith("source ")


def test_a_hook_that_cannot_be_read_may_do_something(main: Path, workon_home: Path) -> None:
    (workon_home / "postactivate").unlink()
    (workon_home / "postactivate").mkdir()

    assert activation.default_activation(main, "tally") == "workon tally"


def test_the_hooks_may_be_elsewhere(
    main: Path, sandbox: Path, workon_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUALENVWRAPPER_HOOK_DIR", str(sandbox / "hooks"))
    (sandbox / "hooks").mkdir()
    (sandbox / "hooks" / "postactivate").write_text("echo hello\n")

    assert activation.default_activation(main, "tally") == "workon tally"


def test_workon_home_may_be_elsewhere(main: Path, sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKON_HOME", str(sandbox / "envs"))
    environment(sandbox / "envs" / "tally")

    assert active(activation.default_activation(main, "tally")) == str(sandbox / "envs" / "tally")


def test_another_projects_environment_is_not_ours(main: Path, workon_home: Path) -> None:
    assert activation.default_activation(main, "other") == ""


def test_workon_is_what_virtualenvwrapper_itself_would_enter(main: Path, sandbox: Path, workon_home: Path) -> None:
    wrapper = Path(sys.executable).with_name("virtualenvwrapper.sh")
    if not wrapper.exists():
        pytest.skip("virtualenvwrapper is not installed")
    (workon_home / "postactivate").write_text("export HOOKED=1\n")
    prepare = f"export VIRTUALENVWRAPPER_PYTHON={sys.executable}; . {wrapper} >/dev/null 2>&1"

    assert active(f"{prepare}; {activation.default_activation(main, 'tally')}") == str(workon_home / "tally")


@pytest.mark.parametrize(
    ("file", "program", "arguments"),
    [("poetry.lock", "poetry", "env info --path"), ("Pipfile", "pipenv", "--venv")],
)
def test_poetry_and_pipenv_are_asked_where_theirs_is(
    main: Path, sandbox: Path, file: str, program: str, arguments: str
) -> None:
    (main / file).touch()
    environment(sandbox / "elsewhere")
    script = sandbox / "bin" / program
    script.write_text(f'#!/bin/sh\n[ "$PWD $*" = "{main} {arguments}" ] && echo {sandbox}/elsewhere\n')
    script.chmod(0o755)

    assert active(activation.default_activation(main, "tally")) == str(sandbox / "elsewhere")


def test_a_poetry_without_an_answer_is_an_error_since_its_environment_may_have_other_code(
    main: Path, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activation, "_PATIENCE", 0.1)
    (main / "poetry.lock").touch()
    script = sandbox / "bin" / "poetry"
    script.write_text("#!/bin/sh\nexec sleep 1000\n")
    script.chmod(0o755)

    with pytest.raises(SilentError, match=r"poetry didn't answer within 0.1 s \(poetry env info\)"):
        activation.default_activation(main, "tally")
