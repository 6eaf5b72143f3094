"""Awkward kinds of work in a worktree, by name. Each function makes one in the given project and worktree."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from testing import dirty
from testing.project import Project, make

Make = Callable[[Project, Path], object]


def _fails(project: Project, place: Path, *arguments: str) -> None:
    run = subprocess.run(["git", "-C", str(place), *arguments], capture_output=True, check=False)
    assert run.returncode, arguments


def _commit(project: Project, place: Path, path: str, text: str) -> str:
    (place / path).write_text(text)
    project.git("add", "--", path, cwd=place)
    project.git("commit", "--quiet", "-m", f"{path} {text.strip()}", cwd=place)
    return project.git("rev-parse", "HEAD", cwd=place)


def _conflict(project: Project, tree: Path) -> None:
    _commit(project, tree, "both", "ours\n")
    _commit(project, tree, "other", "ours\n")
    _commit(project, project.main, "both", "theirs\n")


def _rebase(project: Project, tree: Path) -> None:
    _conflict(project, tree)
    (tree / "backend" / "manage.py").write_text("autostashed\n")
    _fails(project, tree, "rebase", "--autostash", "main")
    (tree / "staged").write_text("staged\n")
    project.git("add", "staged", cwd=tree)
    (tree / "staged").write_text("staged, then changed\n")


def _merge(project: Project, tree: Path) -> None:
    _conflict(project, tree)
    _fails(project, tree, "merge", "main")
    (tree / "both").write_text("half resolved\n")


def _resolved(project: Project, tree: Path) -> None:
    _merge(project, tree)
    project.git("add", "both", cwd=tree)


def _bisect(project: Project, tree: Path) -> None:
    first = project.git("rev-parse", "HEAD", cwd=tree)
    for number in range(4):
        _commit(project, tree, "both", f"{number}\n")
    project.git("bisect", "start", cwd=tree)
    project.git("bisect", "bad", cwd=tree)
    project.git("bisect", "good", first, cwd=tree)


def _flags(project: Project, tree: Path) -> None:
    (tree / "later").write_text("intended\n")
    project.git("add", "--intent-to-add", "later", cwd=tree)
    project.git("update-index", "--assume-unchanged", "backend/manage.py", cwd=tree)
    project.git("update-index", "--skip-worktree", "frontend/server.py", cwd=tree)
    (tree / "frontend" / "server.py").write_text("local\n")
    (tree / "both").chmod(0o600)
    project.git("update-ref", "refs/worktree/mine", "HEAD", cwd=tree)


def _odd_files(project: Project, tree: Path) -> None:
    os.mkfifo(tree / "fifo")
    (tree / "empty").mkdir(mode=0o700)
    (tree / "up").symlink_to("../nowhere")
    (tree / "tool").write_text("#!/bin/sh\n")
    (tree / "tool").chmod(0o751)
    (tree / "new\nline \U0001f600").write_text("odd\n")
    for place in ("data/venv", "data/node_modules", ".tox", "__pycache__"):
        (tree / place).mkdir(parents=True)
        (tree / place / "results.csv").write_text(f"{place}\n")
    os.utime(tree / "tool", (1, 1))


def _linked_directories(project: Project, tree: Path) -> None:
    (tree / "frontend").rename(tree / "frontend2")
    (tree / "frontend").symlink_to(project.main / "frontend")
    (tree / "backend").rename(tree / "backend2")
    (tree / "backend").symlink_to("backend2")


def _tags(project: Project, tree: Path) -> None:
    """Tags of a commit, a blob, a tree and a tag, which only refs of this worktree name, and FETCH_HEAD."""
    _commit(project, tree, "tagged", "tagged\n")
    (project.main / ".git" / "blob").write_text("nowhere else\n")
    blob = project.git("hash-object", "-w", str(project.main / ".git" / "blob"))
    ids = []
    for number, tagged in enumerate(("HEAD", blob, "HEAD^{tree}", "t0")):
        project.git("tag", "--annotate", f"t{number}", "--message", f"of {tagged}", tagged, cwd=tree)
        ids.append(project.git("rev-parse", f"t{number}"))
        project.git("update-ref", f"refs/worktree/t{number}", ids[-1], cwd=tree)
    project.git("tag", "--delete", *(f"t{number}" for number in range(4)))
    project.git("reset", "--quiet", "--hard", "HEAD~1", cwd=tree)
    fetched = project.main / ".git" / "worktrees" / tree.name / "FETCH_HEAD"
    fetched.write_text("".join(f"{each}\tnot-for-merge\ttag 't' of elsewhere\n" for each in ids))


def _another_branch(project: Project, tree: Path) -> None:
    project.git("checkout", "--quiet", "-b", "another", cwd=tree)
    _commit(project, tree, "another", "another\n")
    (tree / "both").write_text("changed on another\n")


def _detached(project: Project, tree: Path) -> None:
    project.git("checkout", "--quiet", "--detach", cwd=tree)
    _commit(project, tree, "detached", "1\n")
    _commit(project, tree, "detached", "2\n")
    project.git("reset", "--quiet", "--hard", "HEAD~1", cwd=tree)  # now only the reflog has the second commit


def _orphan(project: Project, tree: Path) -> None:
    project.git("checkout", "--quiet", "--orphan", "fresh", cwd=tree)
    (tree / "more").write_text("more\n")
    project.git("add", "more", cwd=tree)


def _sparse(project: Project, tree: Path) -> None:
    project.git("sparse-checkout", "set", "backend", cwd=tree)


def _repositories(project: Project, tree: Path) -> None:
    nested = make(tree / "services" / "venv")
    _commit(nested, nested.main, "mine", "mine\n")
    (nested.main / "both").write_text("untracked there\n")
    committed = make(tree / "committed")
    project.git("add", "committed", cwd=tree)
    project.git("commit", "--quiet", "-m", "a gitlink", cwd=tree)
    committed.git("branch", "only-here")
    library = make(project.top / "library")
    project.git("submodule", "--quiet", "add", str(library.main), "library", cwd=tree)
    project.git("commit", "--quiet", "-m", "a submodule", cwd=tree)
    _commit(project, tree / "library", "inside", "inside\n")


def _nested_worktree(project: Project, tree: Path) -> None:
    inner = tree / ".claude" / "worktrees" / "agent"
    with (project.main / ".git" / "info" / "exclude").open("a") as file:
        file.write(".claude\n")
    project.git("worktree", "add", "--quiet", "--detach", str(inner), cwd=tree)
    _commit(project, inner, "inner", "detached\n")
    (inner / "staged").write_text("staged\n")
    project.git("add", "staged", cwd=inner)


def _stashed(project: Project, tree: Path) -> None:
    (tree / "both").write_text("stashed\n")
    project.git("stash", "--quiet", cwd=tree)
    project.git("config", "branch.x.description", "what\nit is")
    project.git("config", "--add", "branch.x.pushRemote", "nowhere")


def _of_every_kind(project: Project, tree: Path) -> None:
    dirty.make(project, tree)


WORK: dict[str, Make] = {
    each.__name__.strip("_"): each
    for each in (
        _rebase, _merge, _resolved, _bisect, _flags, _odd_files, _linked_directories, _another_branch, _detached, _tags,
        _orphan, _sparse, _repositories, _nested_worktree, _stashed, _of_every_kind,
    )
}  # fmt: skip
