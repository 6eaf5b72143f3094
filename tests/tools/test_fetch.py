"""What the remote has is fetched before a session begins; without it there is a warning and a session."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tasks.errors import CommandError, SessionError
from tasks.plan import branch
from tasks.system import shell
from tasks.tools import fetch, git
from testing.project import Project, eventually
from testing.remotes import others_push, share
from testing.world import processes


def fetched(project: Project, capsys: pytest.CaptureFixture[str], base: str = "origin/main") -> str:
    fetch.fetch_base(base, git.find_repository(project.main))
    return capsys.readouterr().err.strip()


def based(project: Project, base: str = "origin/main", elsewhere: bool = True) -> str:
    return str(branch.decide_branch("new", base, git.find_repository(project.main), elsewhere)["base"])


def test_it_tells_how_far_the_base_was_behind(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    share(project)
    project.git("remote", "add", "broken", "/nowhere")  # which is not asked
    project.git("branch", "--quiet", "--set-upstream-to=origin/main", "main")
    assert "origin: origin/main was up to date" in fetched(project, capsys)

    newest = others_push(project, 2)
    assert "origin: origin/main was 2 commits behind  " in fetched(project, capsys)
    assert project.git("rev-parse", "origin/main") == newest
    for base in ("HEAD", "main"):
        assert f"origin: {base} is 2 commits behind origin/main. Update it: git pull" in fetched(project, capsys, base)
    for base in ("HEAD~0", "v1", "-x", "origin"):  # these follow no branch of a remote
        assert fetched(project, capsys, base) == "", base


def test_offline_is_one_line_that_keeps_the_password(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    share(project)
    project.git("remote", "set-url", "origin", "/nowhere/origin.git")
    said = fetched(project, capsys)
    assert "Couldn't fetch origin (fatal: '/nowhere/origin.git' does not appear to be" in said
    assert "Using origin/main as it was last fetched." in said
    assert len(said.splitlines()) == 1

    project.git("remote", "set-url", "origin", "unknown://me:secret@nowhere/x")
    assert "secret" not in fetched(project, capsys)


def test_a_remote_that_does_not_answer_is_left_with_all_that_was_started(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, sandbox: Path
) -> None:
    share(project)
    monkeypatch.setattr(fetch, "_PATIENCE", 0.5)
    monkeypatch.setenv("TALLY_SESSION", "fetching")
    project.git("remote", "set-url", "origin", "me@nowhere:x.git")
    project.git("config", "core.sshCommand", "sh -c 'sleep 600 & sleep 600'")

    assert "Couldn't fetch origin (no answer within 0.5 s)" in fetched(project, capsys)
    eventually(lambda: "fetching" not in processes())


def test_what_another_git_does_at_that_moment_is_waited_out(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    share(project)
    real, said = shell.run_bounded, ["fatal: bad object worktrees/tally-b/HEAD", "error: cannot lock ref 'refs/x'"]

    def busy(seconds: float, *arguments: str, env: Mapping[str, str]) -> str:
        if said:
            raise CommandError("git fetch", 128, said.pop())
        return real(seconds, *arguments, env=env)

    monkeypatch.setattr(shell, "run_bounded", busy)
    assert "origin/main was up to date" in fetched(project, capsys)
    said += ["bad object worktrees/x"] * 3
    assert "Couldn't fetch origin (bad object worktrees/x)" in fetched(project, capsys)


def test_a_shallow_clone_is_fetched_too(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    origin = share(project)
    others_push(project, 3)
    shallow = Project(project.top / "shallow")
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{origin}", str(shallow.main)], check=True)
    newest = others_push(project, 2)

    assert "origin/main was 2 commits behind" in fetched(shallow, capsys)
    assert shallow.git("rev-parse", "origin/main") == newest


def test_without_the_base_the_remotes_default_branch_takes_its_place(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetched(project, capsys) == ""
    assert based(project) == "main"
    assert (
        "No such branch: origin/main. The branch starts from HEAD, because there is no remote"
        in capsys.readouterr().err
    )
    origin = share(project)
    project.git("update-ref", "-d", "refs/remotes/origin/main")
    assert based(project) == "main"
    assert "because origin was never fetched" in capsys.readouterr().err

    subprocess.run(["git", "-C", origin, "branch", "-m", "main", "trunk"], check=True)
    assert fetched(project, capsys).startswith("fetch      origin ")
    assert based(project) == "origin/trunk"
    assert "starts from origin/trunk, because it is the default branch of origin" in capsys.readouterr().err

    project.git("remote", "rename", "origin", "theirs")
    assert based(project) == "theirs/trunk"
    project.git("remote", "add", "mine", str(origin))
    assert based(project) == "main"
    assert "none of the remotes mine, theirs is called origin" in capsys.readouterr().err


def test_a_base_that_somebody_asked_for_has_to_be_there(project: Project) -> None:
    share(project)

    with pytest.raises(SessionError, match="No such branch or commit: origin/nowhere"):
        based(project, "origin/nowhere", elsewhere=False)
    for arguments, configured in (("--base", "origin/nowhere"), ""), ((), "  base: origin/nowhere\n"):
        project.configure(f"session:\n  preset: parallel\n  fetch: false\n{configured}")
        said = project.inv("session.add", "x", *arguments, "--dry-run", code=1)
        assert "No such branch or commit: origin/nowhere" in said.err
