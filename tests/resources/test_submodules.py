"""What git leaves empty in a new worktree: submodules, and hooks of each checkout's own."""

import shutil
import subprocess
from pathlib import Path

from testing.project import Project


def _repository(place: Path, file: str) -> Path:
    place.mkdir()
    (place / file).write_text(file)
    for words in (("init", "-q"), ("add", "--all"), ("commit", "-q", "-m", file)):
        subprocess.run(["git", "-C", str(place), *words], check=True)
    return place


def test_submodules_are_there_without_asking_where_they_are_from(project: Project) -> None:
    inner, outer = _repository(project.top / "inner", "deep"), _repository(project.top / "outer", "near")
    project.git("submodule", "--quiet", "add", str(inner), "in", cwd=outer)
    project.git("commit", "-q", "-m", "in", cwd=outer)
    project.git("submodule", "--quiet", "add", str(outer), "vendor/out")
    project.git("submodule", "--quiet", "update", "--init", "--recursive")
    project.configure("session: {windows: []}\n")
    for place in (inner, outer):
        shutil.rmtree(place)

    said = project.inv("session.add", "x").err

    tree = project.worktree("x")
    assert "Submodules" not in said
    assert (tree / "vendor" / "out" / "near").read_text() == "near"
    assert (tree / "vendor" / "out" / "in" / "deep").read_text() == "deep"
    assert project.git("remote", "get-url", "origin", cwd=tree / "vendor" / "out") == str(outer)
    assert project.git("config", "submodule.vendor/out.url") == str(outer)
    assert project.git("status", "--porcelain", cwd=tree) == ""
    (tree / "vendor" / "out" / "near").write_text("changed")
    project.inv("session.remove", "x", "--force")
    project.inv("session.restore", "x")
    assert (tree / "vendor" / "out" / "near").read_text() == "changed"


def test_a_submodule_that_is_never_updated_leaves_the_main_checkouts_remote_alone(project: Project) -> None:
    outer = _repository(project.top / "outer", "near")
    project.git("submodule", "--quiet", "add", str(outer), "out")
    project.git("config", "--file", ".gitmodules", "submodule.out.update", "none")
    project.git("add", ".gitmodules")
    project.git("remote", "add", "origin", "git@github.com:me/it.git")
    project.configure("session: {windows: []}\n")

    project.inv("session.add", "x")

    assert project.git("remote", "get-url", "origin") == "git@github.com:me/it.git"
    assert not list((project.worktree("x") / "out").iterdir())


def test_a_submodule_whose_commit_is_not_here_is_told(project: Project) -> None:
    outer = _repository(project.top / "outer", "near")
    project.git("submodule", "--quiet", "add", str(outer), "out")
    project.configure("session: {windows: []}\n")
    other = "1" * 40
    project.git("update-index", "--cacheinfo", f"160000,{other},out")
    project.git("commit", "-q", "-m", "elsewhere")

    said = " ".join(project.inv("session.add", "x").err.split())

    assert "Submodules without the right commit in the main checkout: out" in said
    assert "submodule update --init --recursive" in said


def test_hooks_that_each_checkout_has_of_its_own_run_in_a_session(project: Project) -> None:
    hooks = project.main / ".husky" / "_"
    hooks.mkdir(parents=True)
    (hooks / ".gitignore").write_text("*\n")
    (hooks / "pre-commit").write_text('#!/bin/sh\nsh "$(dirname "$0")/../pre-commit"\n')  # as Husky has it
    (hooks / "pre-commit").chmod(0o755)
    (hooks.parent / "pre-commit").write_text("touch hooked\n")
    project.git("add", ".husky/pre-commit")
    project.git("config", "core.hooksPath", ".husky/_")
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")
    tree = project.worktree("x")

    project.git("commit", "--quiet", "--allow-empty", "-m", "work", cwd=tree)

    assert (tree / "hooked").exists()
    shutil.rmtree(tree / ".husky" / "_")
    assert project.inv("session.doctor", "--json", code=1).json[0]["problem"] == ".husky/_ is missing"
