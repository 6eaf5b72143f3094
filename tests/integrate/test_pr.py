"""A session's branch as a pull request: pushed without force, made by gh, or where to make it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.integrate import pull_request
from testing.origin import commit, others_push, share
from testing.project import Project

_URLS = {
    "git@github.com:me/it.git": "https://github.com/me/it/compare/main...a/b?expand=1",
    "https://user:token@github.com/me/it": "https://github.com/me/it/compare/main...a/b?expand=1",
    "ssh://git@ssh.github.com:443/me/it.git": "https://github.com/me/it/compare/main...a/b?expand=1",
    "ssh://git@gitlab.example.com:2222/group/sub/it.git": "https://gitlab.example.com/group/sub/it/-/merge_requests/new"
    "?merge_request[source_branch]=a/b&merge_request[target_branch]=main",
    "https://gitlab.example.com:8443/g/it.git/": "https://gitlab.example.com:8443/g/it/-/merge_requests/new"
    "?merge_request[source_branch]=a/b&merge_request[target_branch]=main",
    "git@bitbucket.org:me/it.git": "https://bitbucket.org/me/it/pull-requests/new?source=a/b&dest=main",
    "/srv/it.git": None,
    "../it.git": None,
    "file:///srv/it.git": None,
}


@pytest.mark.parametrize("remote", _URLS)
def test_the_page_that_proposes_a_branch_follows_from_the_remote(remote: str) -> None:
    found = pull_request.find_forge(remote)

    assert (found.compare("main", "a/b") if found else None) == _URLS[remote]


@pytest.fixture
def worked(project: Project) -> Project:
    """Return the project with an origin and the session a/b, which has two commits."""
    project.configure("session: {windows: [], base: origin/main, verify: [test ! -e 3]}\n")
    share(project)
    project.inv("session.add", "a/b")
    for number in ("1", "2"):
        commit(project, project.worktree("a-b"), number, f"{number}\n")
    return project


def _calls(sandbox: Path) -> list[list[str]]:
    log = sandbox / "bin" / "gh.log"
    calls: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [call["argv"] for call in calls]


def test_gh_makes_the_request_of_what_was_verified_and_pushed(worked: Project, sandbox: Path) -> None:
    tree = worked.worktree("a-b")
    commit(worked, tree, "3", "")
    assert "Verify failed" in worked.inv("session.pr", "a/b", code=1).err
    assert worked.git("branch", "--remotes", "--list", "origin/a/b") == ""
    worked.git("reset", "--quiet", "--hard", "HEAD~1", cwd=tree)

    commit(worked, worked.main, "4", "")
    worked.git("push", "--quiet", "origin", "main")
    worked.git("config", "remote.origin.fetch", "+refs/heads/main:refs/remotes/origin/main")  # as of one branch
    assert "a/b is 1 commit behind origin/main.\nRun: inv session.sync a/b\n" in worked.inv("session.pr", "a/b").err
    assert worked.git("config", "branch.a/b.merge") == "refs/heads/a/b"
    worked.git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    worked.inv("session.pr", "--title", "T; $(x)", "--body", "B", "--draft", cwd=tree)

    told = ["pr", "create", "--head", "a/b", "--base", "main", "--title"]
    body = "* 1 in tally-a-b\n* 2 in tally-a-b"
    assert _calls(sandbox) == [
        [*told, "1 in tally-a-b", "--body", body],
        [*told, "T; $(x)", "--body", "B", "--draft"],
    ]
    assert worked.git("rev-parse", "origin/a/b", "a/b@{upstream}") == "\n".join([worked.git("rev-parse", "a/b")] * 2)


def test_checks_see_what_a_merge_would_come_to(worked: Project, sandbox: Path) -> None:
    tree = worked.worktree("a-b")
    others_push(worked, "3", "")  # which `verify` refuses

    assert "Verify failed" in worked.inv("session.pr", "a/b", code=1).err

    assert worked.git("status", "--porcelain", "--branch", cwd=tree) == "## a/b"
    assert _calls(sandbox) == []
    others_push(worked, "1", "theirs\n")
    said = worked.inv("session.pr", "a/b", code=1).err
    assert "a/b conflicts with origin/main in 1, so the merged result can't be verified." in said


def test_a_push_that_is_refused_is_explained_and_never_forced(worked: Project, sandbox: Path) -> None:
    tree = worked.worktree("a-b")
    worked.git("push", "--quiet", "origin", "a/b", cwd=tree)
    theirs = others_push(worked, "theirs", "1\n", branch="a/b")

    said = worked.inv("session.pr", "a/b", code=1).err

    assert f"cd {tree} && git pull --rebase origin a/b" in said
    assert "--force-with-lease" in said
    assert worked.git("ls-remote", "origin", "refs/heads/a/b").split()[0] == theirs
    assert _calls(sandbox) == []


def test_without_gh_the_page_is_told(worked: Project, sandbox: Path) -> None:
    serving = {"GIT_SSH_COMMAND": f"sh -c 'exec git receive-pack {worked.top}/origin.git'"}
    worked.git("remote", "set-url", "origin", "git@gitlab.com:me/it.git")
    at_gitlab = worked.inv("session.pr", "a/b", env=serving).out
    assert _calls(sandbox) == []  # gh knows GitHub only
    (sandbox / "bin" / "gh").unlink()
    worked.git("remote", "set-url", "origin", "git@github.com:me/it.git")

    at_github = worked.inv("session.pr", "a/b", env=serving).out

    assert at_gitlab.startswith(
        "Pushed a/b to origin.\nOpen a pull request: https://gitlab.com/me/it/-/merge_requests/new?"
    )
    assert at_github.endswith("https://github.com/me/it/compare/main...a/b?expand=1\n")


def test_what_cannot_be_proposed_is_told(worked: Project) -> None:
    tree = worked.worktree("a-b")
    (tree / "new").touch()
    assert "untracked: new" in worked.inv("session.pr", "a/b", code=1).err
    (tree / "new").unlink()
    worked.git("reset", "--quiet", "--hard", "origin/main", cwd=tree)
    assert "Nothing to open a pull request for" in worked.inv("session.pr", "a/b", code=1).err
    commit(worked, tree, "4", "")
    worked.git("update-ref", "refs/heads/base", "main")
    worked.git("remote", "remove", "origin")
    assert "no longer exists" in worked.inv("session.pr", "a/b", code=1).err
    worked.inv("session.add", "c", "--base", "base")
    commit(worked, worked.worktree("c"), "5", "")
    assert "git remote add origin URL" in worked.inv("session.pr", "c", code=1).err
