"""The structure that design.md promises, held by reading the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import CHECKOUT

_TASKS = CHECKOUT / "tasks"
# From the top down; a module imports from the rows below its own only.
_LAYERS = (
    "__init__",
    "fleet",
    "elsewhere",
    "session",
    "watching",
    "finishing screen",
    "comparing hosts made overview parting switching view",
    "adopting conflicts doctor listing parted pruning",
    "advice awaiting comparison display lifecycle merging proposing syncing trial",
    "completion removal sides standing status",
    "deciding inside logs offers permitting talking",
    "worktree kept tmux claude files compose containers setup rules briefing programs worklog",  # the resources
    "archiving checklist choosing making restoration",
    "plan records",
    "assignment checkout claude_entry composing contents hauling merges numbering trust",
    "adopted branching changes claude_json granting keeping landing sending session_config settings tail trees",
    "archive astray claude_lock claude_version compose_file conversation covered destination keys logfile"
    " merged messages orphans printed readiness scrollback services snapshot talk upstream walk work",
    "adoption agents attaching clearing copying engine exclude git host_entry ports verifying",
    "command compose_cli databases deletion granted limited note panes registry running shapes tools within",
    "addresses checks cloning environments findings hooks linked listeners locks places processes remembered"
    " sameness shell transcripts",
    "envfile logbook model names narration picking placeholders scope signals unchanged unreadable",
    "activation atomic errors forge formats forms formula imports parts presets request streams tables"
    " terminal",
)  # fmt: skip
_RANK = {name: rank for rank, row in enumerate(_LAYERS) for name in row.split()}
_RESOURCES = set(next(row for row in _LAYERS if row.startswith("worktree ")).split())
_LONGEST = {"lifecycle": 165}  # 150 for the others
_LONGEST_FUNCTION = 25
_MOST_PARAMETERS = 6
_THIRD_PARTY = ("libtmux", "fabric", "paramiko", "tabulate", "dotenv", "psutil", "prompt_toolkit", "filelock", "rich")
_WHOLE = ("presets", "hosts")  # packages that count as one module
_PACKAGES = sorted(file for file in _TASKS.glob("*/__init__.py") if file.parent.name not in _WHOLE)
_FILES = sorted(set(_TASKS.rglob("*.py")) - set(_PACKAGES))


def name_of(*parts: str) -> str:
    """Return what the table calls the module at that path below `tasks`."""
    return parts[0] if parts[0] in _WHOLE else parts[-1]


def module(file: Path) -> str:
    return name_of(*file.relative_to(_TASKS).with_suffix("").parts)


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imported(file: Path) -> set[str]:
    """Return the modules of `tasks` that *file* imports, at any depth of its code."""
    found: set[str] = set()
    place = file.relative_to(_TASKS).parent.parts
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = place[: len(place) - node.level + 1]
            target = (*above, *(node.module.split(".") if node.module else ()))
            package = (_TASKS.joinpath(*target)).is_dir()
            found |= {name_of(*target, alias.name) for alias in node.names} if package else {name_of(*target)}
        elif isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("tasks"), f"{file}: absolute import of tasks"
    return found


def outside(file: Path) -> set[str]:
    """Return the packages that importing *file* loads: what its module level imports, types apart."""
    found: set[str] = set()
    waiting: list[ast.AST] = [tree(file)]
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


def functions(file: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree(file)) if isinstance(node, ast.FunctionDef)]


def length(function: ast.FunctionDef) -> int:
    """Return the lines of *function* without its docstring and decorators."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


def test_every_module_has_its_layer_and_every_layer_its_modules() -> None:
    names = [module(file) for file in _FILES]

    assert set(names) == set(_RANK)
    assert len(set(names) - set(_WHOLE)) == len([name for name in names if name not in _WHOLE])


@pytest.mark.parametrize("file", _PACKAGES, ids=lambda file: file.parent.name)
def test_a_package_says_what_its_modules_are_about_and_nothing_else(file: Path) -> None:
    (statement,) = tree(file).body

    assert isinstance(statement, ast.Expr)


@pytest.mark.parametrize("file", _FILES, ids=lambda file: str(file.relative_to(_TASKS)))
def test_imports_go_down_only(file: Path) -> None:
    own = module(file)
    upwards = {name for name in imported(file) - {own} if _RANK[name] <= _RANK[own]}

    assert upwards == set()


def test_no_two_packages_need_each_other() -> None:
    """What is in no package stands for itself; `status` and `overlap` share the form of a status, as a type."""
    places = {module(file): file.relative_to(_TASKS).parts[0] for file in _FILES}
    needed = {(places[module(file)], places[name]) for file in _FILES for name in imported(file)}
    both = {tuple(sorted(pair)) for pair in needed if pair[0] != pair[1] and pair[::-1] in needed}

    assert both == {("overlap", "status.py")}


@pytest.mark.parametrize("name", sorted(_RESOURCES))
def test_no_resource_imports_another(name: str) -> None:
    assert imported(_TASKS / f"{name}.py") & _RESOURCES == set()


@pytest.mark.parametrize("name", sorted(_RESOURCES))
def test_a_resource_has_the_four_verbs(name: str) -> None:
    public = {each.name for each in tree(_TASKS / f"{name}.py").body if isinstance(each, ast.FunctionDef)}

    assert {"describe", "create", "remove", "problems"} <= public


@pytest.mark.parametrize("file", _FILES, ids=lambda file: str(file.relative_to(_TASKS)))
def test_at_module_level_invoke_is_the_only_third_party(file: Path) -> None:
    assert outside(file) - sys.stdlib_module_names == outside(file) & {"invoke"}


def test_only_what_stands_under_fleet_imports_fabric() -> None:
    def importing(file: Path) -> bool:
        nodes = list(ast.walk(tree(file)))
        names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
        return any(name.split(".")[0] in ("fabric", "paramiko") for name in names)

    assert {module(file) for file in _FILES if importing(file)} == {"hosts"}


@pytest.mark.parametrize("file", sorted((_TASKS / "hosts" / "sent").glob("*.py")), ids=lambda file: file.stem)
def test_what_is_sent_to_a_host_needs_nothing_there(file: Path) -> None:
    assert outside(file) <= sys.stdlib_module_names
    assert imported(file) == set()


def test_importing_the_tasks_loads_none_of_the_slow_packages() -> None:
    ask = f"import sys, tasks; print([name for name in {_THIRD_PARTY!r} if name in sys.modules])"

    said = subprocess.run([sys.executable, "-c", ask], cwd=CHECKOUT, capture_output=True, text=True, check=True)

    assert said.stdout == "[]\n"


@pytest.mark.parametrize("file", _FILES, ids=lambda file: str(file.relative_to(_TASKS)))
def test_modules_are_short(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= _LONGEST.get(module(file), 150)


@pytest.mark.parametrize("file", _FILES, ids=lambda file: str(file.relative_to(_TASKS)))
def test_functions_are_short_and_take_few_parameters(file: Path) -> None:
    for function in functions(file):
        given = function.args
        assert length(function) <= _LONGEST_FUNCTION, function.name
        if not any("command" in ast.unparse(decorator) for decorator in function.decorator_list):
            assert len([*given.posonlyargs, *given.args, *given.kwonlyargs]) <= _MOST_PARAMETERS, function.name
