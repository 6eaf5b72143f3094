"""A session's node_modules is its own where a link would be another checkout's packages, or be installed through."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from testing import missing
from testing.project import Project, eventually

_MANAGERS = ("npm", "pnpm", "yarn", "bun")
_APP = {"name": "app", "version": "1.0.0", "private": True, "dependencies": {"@acme/ui": "1.0.0", "is-odd": "3.0.1"}}
_UI = {"name": "@acme/ui", "version": "1.0.0", "main": "index.js"}
_ROOT = {"name": "root", "private": True, "workspaces": ["packages/*"], "dependencies": {"left-pad": "1.3.0"}}


@pytest.fixture(autouse=True)
def _shared(bytecode: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test downloaded, the next one has; nobody asks npm what is vulnerable."""
    for key, value in (("npm_config_cache", str(bytecode.parent / "npm")), ("npm_config_audit", "false")):
        monkeypatch.setenv(key, value)


def _run(place: Path, *argv: str) -> str:
    run = subprocess.run(argv, cwd=place, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def _installed(project: Project, manager: str, files: dict[str, object]) -> None:
    """Commit *files* and have *manager* install what they need in the main checkout."""
    missing.require(manager)
    shutil.rmtree(project.main / "frontend")
    for path, content in files.items():
        (project.main / path).parent.mkdir(parents=True, exist_ok=True)
        (project.main / path).write_text(content if isinstance(content, str) else json.dumps(content))
    _run(project.main, manager, "install")
    project.git("add", "--all")
    project.configure("session: {copy: [], link: [node_modules], env: {}, ports: {}, windows: []}\n")


def _workspace(project: Project, manager: str) -> None:
    workspace = {"pnpm-workspace.yaml": "packages: ['packages/*']\nlinkWorkspacePackages: true\n"}
    _installed(project, manager, {
        "package.json": _ROOT, "packages/app/package.json": _APP, "packages/ui/package.json": _UI,
        "packages/ui/index.js": "module.exports = 'first'\n", **(workspace if manager == "pnpm" else {}),
    })  # fmt: skip


def _seen(place: Path) -> dict[str, bytes]:
    """Return every file of node_modules, wherever that is below *place*."""
    tops = [each for each in place.rglob("node_modules") if each.is_dir() and not each.is_symlink()]
    return {
        str(Path(top, name).relative_to(place)): Path(top, name).read_bytes()
        for start in tops
        for top, _names, files in os.walk(start)
        for name in files
    }


def _required(place: Path, name: str) -> str:
    return _run(place, "node", "-p", f"require('{name}')").strip()


@pytest.mark.slow
@pytest.mark.parametrize("manager", _MANAGERS)
def test_a_workspace_imports_its_own_packages(project: Project, manager: str) -> None:
    _workspace(project, manager)

    said = project.inv("session.add", "x").err

    tree = project.worktree("x")
    assert "own node_modules, by hard links" in said
    (tree / "packages" / "ui" / "index.js").write_text("module.exports = 'second'\n")
    assert _required(tree / "packages" / "app", "@acme/ui") == "second"
    assert _required(project.main / "packages" / "app", "@acme/ui") == "first"
    assert _required(tree / "packages" / "app", "is-odd").startswith("[Function")
    assert project.git("status", "--porcelain", cwd=tree) == "M packages/ui/index.js"
    project.inv("session.remove", "x", "--force")
    project.inv("session.restore", "x")
    assert _required(tree / "packages" / "app", "@acme/ui") == "second"


@pytest.mark.slow
def test_a_workspace_without_a_lock_file_imports_its_own_packages(project: Project) -> None:
    (project.main / ".npmrc").write_text("package-lock=false\n")
    _workspace(project, "npm")
    assert not (project.main / "package-lock.json").exists()

    project.inv("session.add", "x")

    tree = project.worktree("x")
    (tree / "packages" / "ui" / "index.js").write_text("module.exports = 'second'\n")
    assert _required(tree / "packages" / "app", "@acme/ui") == "second"


@pytest.mark.parametrize("manager", _MANAGERS)
def test_an_install_in_a_session_changes_nothing_in_the_main_checkout(project: Project, manager: str) -> None:
    _workspace(project, manager)
    project.inv("session.add", "x")
    tree, before = project.worktree("x"), _seen(project.main)
    assert before
    root = {**_ROOT, "dependencies": {"left-pad": "1.2.0", "is-number": "7.0.0"}}
    (tree / "package.json").write_text(json.dumps(root))

    project.inv("session.run", f"CI= {manager} install {_UNLOCKED.get(manager, '')}", cwd=tree)

    assert json.loads((tree / "node_modules" / "left-pad" / "package.json").read_bytes())["version"] == "1.2.0"
    assert _seen(project.main) == before
    if manager == "npm":
        project.inv("session.run", "npm ci", cwd=tree)
        assert _seen(project.main) == before


_UNLOCKED = {"pnpm": "--no-frozen-lockfile --config.confirmModulesPurge=false"}


@pytest.mark.slow
@pytest.mark.parametrize("manager", ["npm", "pnpm", "yarn"])
def test_without_a_lock_file_an_install_changes_nothing_in_the_main_checkout_either(
    project: Project, manager: str
) -> None:
    _installed(project, manager, {"package.json": {"name": "a", "dependencies": {"left-pad": "1.2.0"}}})
    for lock in ("package-lock.json", "pnpm-lock.yaml", "yarn.lock"):
        (project.main / lock).unlink(missing_ok=True)
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "no lock")
    project.inv("session.add", "x")
    tree, before = project.worktree("x"), _seen(project.main)
    (tree / "package.json").write_text('{"name": "a", "dependencies": {"left-pad": "1.3.0"}}')

    project.inv("session.run", f"CI=1 {manager} install {_UNLOCKED.get(manager, '')}", cwd=tree)

    assert json.loads((tree / "node_modules" / "left-pad" / "package.json").read_bytes())["version"] == "1.3.0"
    assert _seen(project.main) == before


@pytest.mark.slow
@pytest.mark.parametrize("manager", _MANAGERS)
def test_a_branch_with_another_lock_file_gets_what_that_says(project: Project, manager: str) -> None:
    _installed(project, manager, {"package.json": {"name": "a", "dependencies": {"left-pad": "1.2.0"}}})
    project.git("branch", "old")
    (project.main / "package.json").write_text('{"name": "a", "dependencies": {"left-pad": "1.3.0"}}')
    _run(project.main, manager, "install")
    project.git("commit", "--quiet", "-am", "newer")

    said = project.inv("session.add", "x", "--base", "old").err

    package = Path("node_modules", "left-pad", "package.json")
    assert "  packages   " in said and "differs" in said
    assert json.loads((project.worktree("x") / package).read_bytes())["version"] == "1.2.0"
    assert json.loads((project.main / package).read_bytes())["version"] == "1.3.0"


@pytest.mark.slow
def test_what_programs_write_into_is_copied_and_caches_are_not(project: Project) -> None:
    _installed(project, "npm", {"package.json": {"name": "a", "dependencies": {"left-pad": "1.3.0"}}})
    modules = project.main / "node_modules"
    for path in (".prisma/client/index.js", ".vite/deps/a.js", "left-pad/.generated/a.js"):
        (modules / path).parent.mkdir(parents=True)
        (modules / path).write_text("main")
    project.inv("session.add", "x")

    own = project.worktree("x") / "node_modules"
    assert not (own / ".vite").exists()
    for path in (".prisma/client/index.js", ".package-lock.json", "left-pad/.generated/a.js"):
        assert (own / path).stat().st_ino != (modules / path).stat().st_ino
        assert (own / path).read_bytes() == (modules / path).read_bytes()
    assert (own / "left-pad" / "index.js").stat().st_ino == (modules / "left-pad" / "index.js").stat().st_ino
    project.inv("session.remove", "x")
    eventually(lambda: not list(project.main.glob(".git/tally-sessions/removed/x/*/tree/node_modules")))
    project.inv("session.restore", "x")
    assert (own / "left-pad" / "index.js").stat().st_ino == (modules / "left-pad" / "index.js").stat().st_ino
    shutil.rmtree(own)
    assert project.inv("session.doctor", "--json", code=1).json[0]["problem"] == "node_modules is missing"
    project.inv("session.resume", "x")
    assert (own / "left-pad" / "index.js").exists()


def test_with_plug_and_play_a_session_gets_its_own_map_of_packages(project: Project, sandbox: Path) -> None:
    """Yarn's own work is left to Yarn, which is not asked for node_modules that will never be there."""
    yarn = sandbox / "bin" / "yarn"
    yarn.write_text('#!/bin/sh\necho "$*" >>"$HOME/yarn.log"\necho "// of $PWD" >.pnp.cjs\n')
    yarn.chmod(0o755)
    for name in ("yarn.lock", ".yarnrc.yml"):
        (project.main / name).write_text("nodeLinker: pnp\n")
    with (project.main / ".gitignore").open("a") as file:
        file.write(".pnp.*\n")
    (project.main / "package.json").write_text("{}")
    project.git("add", "--all")
    (project.main / ".pnp.cjs").write_text("// of main\n")
    project.configure("session: {windows: [], ports: {}, env: {}, copy: [], link: [node_modules]}\n")

    said = project.inv("session.add", "x").err

    assert (project.worktree("x") / ".pnp.cjs").read_text() == f"// of {project.worktree('x')}\n"
    assert "yarn install, for its own .pnp.cjs" in said and "missing" not in said
    assert (sandbox / "home" / "yarn.log").read_text() == "install --immutable\n"
    project.inv("session.resume", "x")
    assert (sandbox / "home" / "yarn.log").read_text() == "install --immutable\n"  # it has its own


@pytest.mark.slow
def test_turbo_builds_what_the_session_has_and_the_main_checkout_keeps_its_own(project: Project) -> None:
    build = "require('fs').mkdirSync('dist', {recursive: true}); require('fs').writeFileSync('dist/out', "
    scripts = {"build": f"node -e \"{build}require('@acme/ui') + ' ' + process.env.GREETING)\""}
    _installed(project, "npm", {
        "package.json": {**_ROOT, "packageManager": "npm@10.0.0", "devDependencies": {"turbo": "2.5.8"}},
        "turbo.json": {"tasks": {"build": {"outputs": ["dist/**"]}}, "globalPassThroughEnv": ["GREETING"]},
        "packages/app/package.json": {**_APP, "scripts": scripts}, "packages/ui/package.json": _UI,
        "packages/ui/index.js": "module.exports = 'first'\n", ".gitignore": "node_modules/\n.turbo/\ndist/\n",
    })  # fmt: skip
    named = "variables: {GREETING: '{slug}'}"
    project.configure(f"session: {{copy: [], link: [node_modules], ports: {{}}, windows: [], {named}}}\n")
    out = Path("packages", "app", "dist", "out")
    _run(project.main, "npx", "turbo", "run", "build")
    assert (project.main / out).read_text() == "first undefined"
    project.inv("session.add", "x")
    tree = project.worktree("x")
    (tree / "packages" / "ui" / "index.js").write_text("module.exports = 'second'\n")

    said = project.inv("session.run", "x", "npx turbo run build")

    assert (tree / out).read_text() == "second x", said.out
    assert (project.main / out).read_text() == "first undefined"
    assert "FULL TURBO" in _run(project.main, "npx", "turbo", "run", "build")
    assert project.git("status", "--porcelain") in ("", "?? .tally-sessions")
