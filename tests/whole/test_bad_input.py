"""What cannot be: refused in one line, before anything happens."""

import subprocess
from pathlib import Path

import pytest

from testing.project import EMBEDDING, Project, Result

# Every rule is tried in test_names; these are what each layer before it could swallow or act upon.
_NAMES = ["", " ", "..", ".x", "a:b", "a~b", "a@{b", "a.lock", "a\x1bb", "x" * 300, "/etc/x", "$(touch x)", "a;b", "ü"]

_CONFIGURATIONS = {
    "session: {windowz: []}\n": "session.windowz",
    "session: {ports: {backend_port: eighty}}\n": "session.ports.backend_port",
    "session: {ports: {backend_port: 70000}}\n": "session.ports.backend_port",
    "session: {copy: backend/.env}\n": "session.copy",
    "session: {copy: [../outside]}\n": "session.copy[0]",
    "session: {link: [/etc]}\n": "session.link[0]",
    "session: {env_file: .git}\n": "session.env_file",
    "session: {work_log: .git/config}\n": "session.work_log.file",
    "session: {copy: [sub/.GIT/x]}\n": "session.copy[0]",
    "session: {env: {.tally-sessions: {A: b}}}\n": "session.env",
    "session: {branch: 7}\n": "session.branch",
    "session: {branch: 'x y {name}'}\n": "branch",
    "session: {worktree: '../{nonsense}'}\n": "{nonsense}",
    "session: {env: {frontend/.env: {URL: '{nope}'}}}\n": "session.env.frontend/.env.URL",
    "session: {env: nothing}\n": "session.env",
    "session: {windows: [{name: a, cmd: ls}]}\n": "session.windows[0].cmd",
    "session: {windows: [{name: a, run: ls, type: ls}]}\n": "session.windows[0]",
    "session: {windows: [{dir: a}]}\n": "session.windows[0]",
    "session: {windows: [{name: a}, {name: a}]}\n": "session.windows[1].name",
    "session: {preset: nonsense}\n": "nonsense",
    "session: {base: nonsense}\n": "nonsense",
    "session: {setup: ls}\n": "session.setup",
    'session: {base: "\\ud800"}\n': "is not valid UTF-8",
    'session: {variables: {A: "x\\0y"}}\n': "session.variables.A contains a NUL",
    'session: {env: {.env: {A: "x\\0y"}}}\n': "session.env..env.A contains a NUL",
    "session: {wait: &w [*w]}\n": "more than 10,000 values",
    "a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c]\n"
    "session: {setup: [*d,*d,*d,*d,*d,*d,*d,*d,*d]}\n": "more than 10,000 values",
}


def _refusal(result: Result) -> str:
    """Return what was said: one line, and below it what there is and what to do."""
    assert result.out == ""
    _fact, *advice = result.err.strip().splitlines()
    assert all(
        each.startswith(("Run: ", "Sessions: ", "List them: ", "For a literal ", "Use letters", "Check "))
        for each in advice
    )
    return result.err.strip()


def test_bad_names_are_refused_before_anything_happens(project: Project) -> None:
    before = project.world()
    for name in _NAMES:
        said = _refusal(project.inv("session.add", name, code=1))
        assert ("Invalid " if name else "A new session needs a NAME") in said, name
        assert len(said) < 400, name

    assert project.world() == before


@pytest.mark.parametrize("name", ["-x", "--force", "-"])
def test_a_name_that_looks_like_a_flag_makes_nothing(project: Project, name: str) -> None:
    before = project.world()

    project.inv("session.add", name, code=1)
    project.inv("session.add", "--", name, code=None)

    assert project.world() == before


@pytest.mark.parametrize("name", ["feature/deep.er", "a", "7", "A_b-c", "x" * 100])
def test_good_names_are_planned(project: Project, name: str) -> None:
    assert f"branch {name}" in project.inv("session.add", name, "--dry-run").out


def test_a_slug_is_never_shared(project: Project) -> None:
    project.inv("session.add", "feature-a")
    before = project.world()

    for name in ("feature-a", "feature/a", "feature.a"):
        assert "feature-a" in project.inv("session.add", name, code=1).err

    assert project.world() == before


def test_an_unknown_name_is_told_with_the_known_ones(project: Project) -> None:
    project.inv("session.add", "known")
    project.inv("session.add", "other")
    for task in ("remove", "resume", "start", "stop", "show", "attach"):
        said = _refusal(project.inv(f"session.{task}", "unknown", code=1))

        assert said.splitlines() == ['No session "unknown". Did you mean "known"?', "Sessions: known, other"], task


def test_a_wrong_configuration_is_refused_by_its_key(project: Project) -> None:
    for text, key in _CONFIGURATIONS.items():
        project.configure(text)
        before = project.world()

        said = _refusal(project.inv("session.add", "x", code=1))

        assert key in said
        assert project.world() == before, text


@pytest.fixture
def embedded(sandbox: Path, project: Project) -> Path:
    """Return a directory below which `inv` finds the tasks and which is no repository."""
    place = sandbox / "place"
    place.mkdir()
    (place / "tasks.py").write_text(EMBEDDING)
    (place / "tasks").symlink_to((project.main / "tasks").resolve())
    return place


@pytest.mark.slow
def test_a_configuration_that_invoke_cannot_read_is_told_by_its_place(project: Project, sandbox: Path) -> None:
    file, own = project.main / "invoke.yaml", sandbox / "home" / ".invoke.yaml"
    places = {
        "session:\n  preset: points\n bad: 1\n": f"{file}:3:2: not valid YAML",
        "- a\n": "invoke.yaml or ~/.invoke.yaml: ",
        "released: 2026-13-45\n": f"{file}: not valid YAML: month",
        "# caf\udce9\n": f"{file}: not valid YAML: 'utf-8' codec",
        "a: '\a'\n": f"{file}: not valid YAML: unacceptable character",
        "tasks: {executor_class: no.such}\n": "tasks.executor_class in invoke.yaml: there is no module no.",
        "session: {ports: {8000: backend}}\n": "invoke.yaml or ~/.invoke.yaml: the key session.ports.8000 is not text",
    }
    for text, place in places.items():
        file.write_text(text, errors="surrogateescape")
        said = project.inv("session.list", code=1).err
        assert (said.startswith(place), said.count("\n")) == (True, 1), said

    for text in ("session: &a {env: *a}\n", f"session: {'[' * 3000}{']' * 3000}\n"):
        file.write_text(text)
        assert "nested too deeply" in project.inv("session.list", code=1).err
    file.unlink()
    file.mkdir()
    assert project.inv("session.list", code=1).err == f"{file}: Is a directory\n"
    file.rmdir()
    file.write_text("session: 3\n")
    own.write_text("session: {preset: points}\n")
    assert "~/.invoke.yaml conflict: " in project.inv("session.list", code=1).err


@pytest.mark.parametrize("task", ["add x", "list", "remove x", "resume", "show"])
def test_outside_of_a_repository_it_is_said(project: Project, embedded: Path, task: str) -> None:
    said = _refusal(project.inv(*f"session.{task}".split(), cwd=embedded, code=1))

    assert "not inside a git repository" in said


def test_a_bare_repository_is_told_apart(project: Project, embedded: Path) -> None:
    project.git("clone", "--quiet", "--bare", ".", str(embedded / "x.git"))
    project.git("worktree", "add", "--quiet", str(embedded / "linked"), "-b", "linked", cwd=embedded / "x.git")

    for place in ("x.git", "linked"):
        assert "bare repository" in _refusal(project.inv("session.add", "x", cwd=embedded / place, code=1))


def test_a_repository_without_commits_says_how_to_make_one(project: Project, embedded: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(embedded)], check=True)

    said = _refusal(project.inv("session.add", "x", cwd=embedded, code=1))

    assert "no commits" in said
    assert "git commit" in said
