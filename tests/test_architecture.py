"""The structure that CONTRIBUTING.md draws, held by reading the source and by counting what a task loads."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import session
from tasks.lifecycle import RESOURCES
from testing import loaded
from testing.project import CHECKOUT, Project

_TASKS = CHECKOUT / "tasks"
# From the top down; what stands in one row does not know each other. A file imports from the rows below its own.
_RANKS = (
    "__init__",
    "front_door",
    "collection",
    "fleet",
    "session",
    "commands",
    "views",
    "status",
    "integrate hosts",
    "lifecycle",
    "plan",
    "resources",
    "claude",
    "store",
    "tools config",
    "system",
    "model",
    "errors",
)
_RANK = {name: rank for rank, row in enumerate(_RANKS) for name in row.split()}
_MOST_LINES = 350
_MOST_LINES_OF_A_FUNCTION = 25
_MOST_PARAMETERS = 6
# `--list` loads each task, which is a file of its own. `add` and `remove` prefetch `json_splice`, which an empty
# `.claude.json` as here does not need.
_MOST_LOADED = {
    "--list": 8 + len(session.TASKS),
    "--complete": 15,
    "session.list": 41,
    "session.add": 71,
    "session.remove": 59,
}
_SLOW = ("libtmux", "fabric", "paramiko", "tabulate", "dotenv", "psutil", "textual", "filelock", "rich")
_DASHBOARD = _TASKS / "views" / "dashboard"
_FILES = sorted(_TASKS.rglob("*.py"))


def _place(file: Path) -> str:
    """Return what the ranks call it: the package, or the file at the top."""
    return file.relative_to(_TASKS).with_suffix("").parts[0]


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _imported(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and file, as a dotted path below `tasks`, of each import of ours, at any depth of the code."""
    own = file.relative_to(_TASKS).parent.parts
    for node in ast.walk(_tree(file)):
        if not isinstance(node, ast.ImportFrom):
            continue
        assert (node.module or "").partition(".")[0] != "tasks", f"{file}: absolute import of tasks"
        if node.level:
            above = own[: len(own) - node.level + 1]
            target = (*above, *(node.module.split(".") if node.module else ()))
            for alias in node.names:
                yield node.lineno, ".".join([*target, alias.name] if _TASKS.joinpath(*target).is_dir() else target)


def _outside(file: Path) -> set[str]:
    """Return the packages that importing *file* loads: what its module level imports, types apart."""
    found: set[str] = set()
    waiting: list[ast.AST] = [_tree(file)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).split(".")[0])
        waiting.extend(ast.iter_child_nodes(node))
    return found


def _length(function: ast.FunctionDef, lines: list[str]) -> int:
    """Return the *lines* of *function* without its docstring, its decorators, the imports in it and empty lines."""
    first = function.body[0]
    apart: list[ast.stmt] = [node for node in ast.walk(function) if isinstance(node, (ast.Import, ast.ImportFrom))]
    apart += [first] if ast.get_docstring(function) is not None else []
    left_out = {line for node in apart for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    whole = range(function.lineno, (function.end_lineno or 0) + 1)
    return sum(line not in left_out and bool(lines[line - 1].strip()) for line in whole)


def test_every_package_and_file_at_the_top_has_its_rank() -> None:
    assert {_place(file) for file in _FILES} == set(_RANK)


def test_imports_go_down_only() -> None:
    upwards = [
        f"{file.relative_to(_TASKS)}:{line} imports {target}"
        for file in _FILES
        for line, target in _imported(file)
        if target.split(".")[0] != _place(file) and _RANK[target.split(".")[0]] <= _RANK[_place(file)]
    ]

    assert upwards == []


def test_contributing_names_files_that_exist() -> None:
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8"))

    assert len(named) > 50
    assert [name for name in named if not ((_TASKS / name).is_file() or (CHECKOUT / name).is_file())] == []


def test_a_package_says_what_it_is_about_and_nothing_else() -> None:
    for file in _TASKS.glob("*/**/__init__.py"):
        (statement,) = _tree(file).body
        assert isinstance(statement, ast.Expr), file


def test_no_resource_imports_another_and_each_has_its_label_and_the_four_verbs() -> None:
    files = {Path(str(resource.__file__)) for resource in RESOURCES if hasattr(resource, "__file__")}
    names = {f"resources.{file.stem}" for file in files}
    assert len(files) == len(RESOURCES) == len({resource.LABEL for resource in RESOURCES})
    for file in files:
        assert {target for _line, target in _imported(file)} & names == set(), file
        public = {each.name for each in _tree(file).body if isinstance(each, ast.FunctionDef)}
        assert {"describe", "create", "remove", "problems"} <= public, file


def test_each_file_with_a_task_is_in_the_table_of_contents() -> None:
    with_task = {file.stem for file in (_TASKS / "commands").glob("*.py") if "\n@command(" in file.read_text("utf-8")}

    assert with_task == set(session.TASKS)


def test_at_module_level_invoke_is_the_only_third_party() -> None:
    """The dashboard's files are imported when it is shown, so theirs are Textual and what that brings."""
    known = {file: {"textual", "rich"} if _DASHBOARD in file.parents else {"invoke"} for file in _FILES}
    others = {file: _outside(file) - sys.stdlib_module_names - known[file] for file in _FILES}

    assert {file: names for file, names in others.items() if names} == {}


def test_only_watch_and_pick_import_the_dashboard() -> None:
    users = {
        file.relative_to(_TASKS).with_suffix("").as_posix()
        for file in _FILES
        if _DASHBOARD not in file.parents
        and any(target.startswith("views.dashboard") for _line, target in _imported(file))
    }

    assert users == {"commands/watch", "commands/pick", "commands/web_dashboard", "commands/fleet_watch"}


def test_only_hosts_imports_fabric() -> None:
    def names(file: Path) -> set[str]:
        nodes = list(ast.walk(_tree(file)))
        plain = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        return plain | {
            str(node.module).split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom) and not node.level
        }

    assert {_place(file) for file in _FILES if names(file) & {"fabric", "paramiko"}} == {"hosts"}


def test_what_runs_on_a_host_needs_nothing_there() -> None:
    for file in (_TASKS / "hosts" / "remote_scripts").glob("*.py"):
        assert _outside(file) <= sys.stdlib_module_names, file
        assert list(_imported(file)) == [], file


def test_files_and_functions_are_short_and_take_few_parameters() -> None:
    for file in _FILES:
        lines = file.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= _MOST_LINES, file
        for function in [node for node in ast.walk(_tree(file)) if isinstance(node, ast.FunctionDef)]:
            given = function.args
            assert _length(function, lines) <= _MOST_LINES_OF_A_FUNCTION, f"{file}: {function.name}"
            if not any("command" in ast.unparse(decorator) for decorator in function.decorator_list):
                count = len([*given.posonlyargs, *given.args, *given.kwonlyargs])
                assert count <= _MOST_PARAMETERS, f"{file}: {function.name}"


def test_importing_the_tasks_loads_none_of_the_slow_packages() -> None:
    ask = f"import sys, tasks; print([name for name in {_SLOW!r} if name in sys.modules])"

    said = subprocess.run([sys.executable, "-c", ask], cwd=CHECKOUT, capture_output=True, text=True, check=True)

    assert said.stdout == "[]\n"


@pytest.fixture
def counted(project: Project, sandbox: Path) -> dict[str, list[str]]:
    """Return which modules of ours each everyday task loads."""
    found = {}
    for first, *rest in (
        ("--list",), ("--complete", "--", "session.show", ""), ("session.add", "x"), ("session.list",),
        ("session.remove", "x", "--force"),
    ):  # fmt: skip
        file = sandbox / f"loaded-by-{first}"
        project.inv(str(file), first, *rest, program=str(loaded.__file__), env={"PYTHONHASHSEED": "0"})
        names = sorted(set(file.read_text().splitlines()))
        found[first] = [name for name in names if name == "tasks" or not (CHECKOUT / name.replace(".", "/")).is_dir()]
    return found


@pytest.mark.slow
def test_a_task_loads_little(counted: dict[str, list[str]]) -> None:
    """Each module of ours costs a third of a millisecond at every start; a package of one line is not counted."""
    many = {task: names for task, names in counted.items() if len(names) > _MOST_LOADED[task]}

    assert not many, {task: len(names) for task, names in counted.items()}
