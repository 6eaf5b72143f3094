"""What the page on other systems says can be done, as far as this machine can do it."""

import time
from pathlib import Path

from testing.project import Project


def test_a_worktree_may_be_inside_of_the_main_checkout_where_git_ignores_it(project: Project) -> None:
    with (project.main / ".gitignore").open("a") as ignores:
        ignores.write("/.sessions/\n")
    project.configure("session: {worktree: '.sessions/{slug}', windows: [], copy: [], link: [], env: {}}\n")
    project.git("add", ".gitignore")
    project.git("commit", "--quiet", "-m", "sessions inside")

    project.inv("session.add", "feature/x")

    worktree = project.main / ".sessions" / "feature-x"
    assert project.git("rev-parse", "--show-toplevel", cwd=worktree) == str(worktree)
    assert "feature/x" in project.inv("session.list", cwd=worktree).out
    assert project.git("status", "--porcelain") == ""
    (worktree / "kept").write_text("work")
    project.inv("session.remove", "feature/x", "--force")
    assert not worktree.exists()
    project.inv("session.restore", "feature/x")
    assert (worktree / "kept").read_text() == "work"


def test_a_window_has_what_a_program_prints_for_shells(project: Project, sandbox: Path) -> None:
    nix = sandbox / "nix"
    nix.write_text('#!/bin/sh\necho "export FROM_NIX=$2"\n')
    nix.chmod(0o755)
    project.configure(
        "session:\n  copy: []\n  link: []\n  env: {}\n  activate: source <("
        f"{nix} print-dev-env '{{worktree}}')\n"
        f"  windows: [{{name: server, run: 'echo $FROM_NIX > {sandbox}/said; sleep 600'}}]\n"
    )

    project.inv("session.add", "x")

    end = time.monotonic() + 60
    while not ((sandbox / "said").is_file() and (sandbox / "said").read_text()):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert (sandbox / "said").read_text() == f"{project.worktree('x')}\n"
    assert project.inv("session.run", "x", "--", "printenv", "FROM_NIX").out.strip() == str(project.worktree("x"))
