"""`add --pr` and `--from-issue`: real repositories behind the addresses of forges, stand-ins for gh and glab."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from testing.origin import commit, share
from testing.project import Project, eventually


@pytest.fixture
def hosted(project: Project) -> Project:
    """Return a project whose origin is called like GitHub's, and a fork of it with a branch `feature`."""
    project.configure("session: {windows: [{name: claude, claude: true}], ports: {}}\n")
    origin = share(project)
    fork = project.top / "fork.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", str(origin), str(fork)], check=True)
    for url, place in (("git@github.com:me/it.git", origin), ("git@github.com:you/it.git", fork)):
        project.git("config", "--global", f"url.{place}.insteadOf", url)
    project.git("remote", "set-url", "origin", "git@github.com:me/it.git")
    work = project.top / "work"
    subprocess.run(["git", "clone", "--quiet", str(fork), str(work)], check=True)
    for branch in ("feature", "main"):
        project.git("checkout", "--quiet", "-B", branch, cwd=work)
        commit(project, work, "theirs", f"{branch}\n")
        project.git("push", "--quiet", "origin", branch, cwd=work)
    return project


def _answer(sandbox: Path, program: str, answers: dict[str, Any]) -> None:
    """Let *program* answer with JSON by the first words of its arguments."""
    cases = "\n".join(f"'{words}'*) echo '{json.dumps(answer)}';;" for words, answer in answers.items())
    file = sandbox / "bin" / program
    file.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}\n*) echo "unknown: $*" >&2; exit 1;;\nesac\n')
    file.chmod(0o755)


def _pull(branch: str, fork: bool) -> dict[str, Any]:
    facts = {"headRefName": branch, "isCrossRepository": fork, "baseRefName": "main"}
    return {**facts, "headRepositoryOwner": {"login": "you"}, "headRepository": {"name": "it"}}


def _prompts(sandbox: Path) -> list[str]:
    """Return the last argument of each start of claude."""
    log = sandbox / "bin" / "claude.log"
    return [json.loads(line)["argv"][-1] for line in log.read_text().splitlines()] if log.exists() else []


def test_a_pull_request_of_a_fork_is_checked_out_and_pushed_back_there(hosted: Project, sandbox: Path) -> None:
    _answer(sandbox, "gh", {"pr view 7 ": _pull("feature", fork=True)})

    hosted.inv("session.add", "--pr", "https://github.com/me/it/pull/7/files")

    tree, fork = hosted.worktree("pr-7"), hosted.top / "fork.git"
    assert (tree / "theirs").read_text() == "feature\n"
    assert hosted.git("rev-parse", "--abbrev-ref", "HEAD", "HEAD@{upstream}", cwd=tree) == "feature\nyou/feature"
    assert (hosted.row("pr-7")["base"], hosted.row("pr-7")["issue"]) == ("origin/main", "#7")
    made = commit(hosted, tree, "mine", "")
    hosted.git("push", "--quiet", cwd=tree)
    assert hosted.git("rev-parse", "feature", cwd=fork) == made
    made = commit(hosted, tree, "more", "")
    open_already = 'echo "a pull request already exists:" >&2; echo https://github.com/me/it/pull/7 >&2; exit 1'
    (sandbox / "bin" / "gh").write_text(f"#!/bin/sh\n{open_already}\n")
    assert "Its pull request is open already: https://github.com/me/it/pull/7" in hosted.inv("session.pr", "pr-7").out
    assert hosted.git("rev-parse", "feature", cwd=fork) == made
    hosted.inv("session.remove", "pr-7")
    assert hosted.git("branch", "--list", "feature") == ""


def test_a_branch_whose_name_is_taken_here_gets_another_and_still_goes_back(hosted: Project, sandbox: Path) -> None:
    _answer(sandbox, "gh", {"pr view 8 ": _pull("main", fork=True)})

    hosted.inv("session.add", "x", "--pr", "#8")

    tree = hosted.worktree("x")
    assert hosted.git("rev-parse", "--abbrev-ref", "HEAD", cwd=tree) == "pr-8"
    made = commit(hosted, tree, "mine", "")
    (sandbox / "bin" / "gh").unlink()
    hosted.inv("session.pr", "x")
    assert hosted.git("rev-parse", "main", cwd=hosted.top / "fork.git") == made
    assert hosted.git("ls-remote", "origin", "main").split()[0] != made


@pytest.mark.parametrize("place", ["refs/pull/9/head", "refs/merge-requests/9/head"])
def test_without_a_program_the_ref_of_the_forge_is_enough(hosted: Project, sandbox: Path, place: str) -> None:
    (sandbox / "bin" / "gh").unlink()
    origin = hosted.top / "origin.git"
    hosted.git("fetch", "--quiet", str(hosted.top / "fork.git"), f"feature:{place}", cwd=origin)
    assert "origin has no pull request 10." in hosted.inv("session.add", "--pr", "10", code=1).err

    said = hosted.inv("session.add", "--pr", "9")

    assert "its branch can be pulled, not pushed" in said.err
    assert (hosted.worktree("pr-9") / "theirs").read_text() == "feature\n"
    hosted.git("branch", "own", place, cwd=origin)  # one of origin itself
    assert "not pushed" not in hosted.inv("session.add", "again", "--pr", "9").err
    assert hosted.git("rev-parse", "--abbrev-ref", "own@{upstream}") == "origin/own"


def test_a_merge_request_of_gitlab(hosted: Project, sandbox: Path) -> None:
    fork, ssh = hosted.top / "fork.git", "git@gitlab.com:you/it.git"
    hosted.git("config", "--global", f"url.{fork}.insteadOf", "https://gitlab.com/you/it.git")
    hosted.git("config", "--global", f"url.{hosted.top / 'origin.git'}.insteadOf", "https://gitlab.com/me/it.git")
    hosted.git("remote", "set-url", "origin", "https://gitlab.com/me/it.git")
    request = {"source_branch": "feature", "target_branch": "main", "source_project_id": 2, "target_project_id": 1}
    urls = {"http_url_to_repo": "https://gitlab.com/you/it.git", "ssh_url_to_repo": ssh}
    answers = {"mr view 3 ": request, "api projects/2": {"path_with_namespace": "you/it", **urls}}
    issue = {"title": "Änderung: the log-in fails!", "description": "Always.", "web_url": "https://gitlab.com/i/4"}
    _answer(sandbox, "glab", {**answers, "issue view 4 ": issue})

    hosted.inv("session.add", "--pr", "https://gitlab.com/me/it/-/merge_requests/3")
    hosted.inv("session.add", "--from-issue", "4", "--dry-run")
    hosted.inv("session.add", "--from-issue", "4")

    assert hosted.git("remote", "get-url", "you") == str(fork)
    assert hosted.row("4-anderung-the-log-in-fails")["issue"] == "https://gitlab.com/i/4"


def test_an_issue_gives_name_and_prompt(hosted: Project, sandbox: Path) -> None:
    issue = {"title": "Log in fails", "body": "When it rains.", "url": "https://github.com/me/it/issues/12"}
    _answer(sandbox, "gh", {"issue view 12 ": issue})

    hosted.inv("session.add", "--from-issue", "https://github.com/me/it/issues/12", "--prompt", "Fix this:")

    assert hosted.row("12-log-in-fails")["issue"] == issue["url"]
    prompt = "Fix this:\n\nLog in fails\n\nWhen it rains.\n\nhttps://github.com/me/it/issues/12"
    eventually(lambda: prompt in _prompts(sandbox))
    assert "is neither a number" in hosted.inv("session.add", "--from-issue", "later", code=1).err
    assert (
        "No remote of this repository is at"
        in hosted.inv("session.add", "--pr", "https://github.com/a/b/pull/1", code=1).err
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"headRefName": "feature:refs/heads/main"}, "no name that git can fetch"),
        ({"headRefName": "../../x"}, "no name that git can fetch"),
        ({"headRefName": "*"}, "no name that git can fetch"),
        ({"headRefName": "x" * 10000}, "no name that git can fetch"),
        ({"headRefName": None}, "has no headRefName"),
        ({"headRefName": "--upload-pack=x"}, "git fetch you failed"),
        ({"headRepositoryOwner": {"login": "--fetch"}}, "can't be the name of a remote"),
        ({"headRepositoryOwner": {"login": "../../x"}}, "can't be the name of a remote"),
        ({"headRepositoryOwner": {}}, "origin has no pull request 7."),
        ({"headRepositoryOwner": ["you"]}, "has no headRepositoryOwner.login"),
    ],
)
def test_an_answer_that_no_git_can_fetch_leaves_nothing(
    hosted: Project, sandbox: Path, changed: dict[str, Any], words: str
) -> None:
    _answer(sandbox, "gh", {"pr view 7 ": {**_pull("feature", fork=True), **changed}})
    before = (hosted.main / ".git" / "config").read_text(), hosted.git("for-each-ref")

    hosted.inv("session.add", "--pr", "7", "--dry-run", code=None)
    assert words in hosted.inv("session.add", "--pr", "7", code=1).err

    assert ((hosted.main / ".git" / "config").read_text(), hosted.git("for-each-ref")) == before


def test_a_deleted_fork_leaves_the_ref_of_the_forge(hosted: Project, sandbox: Path) -> None:
    gone = {"headRepositoryOwner": None, "headRepository": None}
    _answer(sandbox, "gh", {"pr view 7 ": {**_pull("feature", fork=True), **gone}})
    fetched = (str(hosted.top / "fork.git"), "feature:refs/pull/7/head")
    hosted.git("fetch", "--quiet", *fetched, cwd=hosted.top / "origin.git")

    hosted.inv("session.add", "--pr", "7")

    assert (hosted.worktree("pr-7") / "theirs").read_text() == "feature\n"


def test_a_fork_is_never_taken_for_another_repository_or_branch(hosted: Project, sandbox: Path) -> None:
    _answer(sandbox, "gh", {"pr view 7 ": _pull("feature", fork=True)})
    hosted.git("remote", "add", "you", str(hosted.top / "origin.git"))  # it has the name of the fork's owner
    hosted.git("push", "--quiet", "origin", "main:feature")

    hosted.inv("session.add", "x", "--pr", "7")

    tree = hosted.worktree("x")
    assert (tree / "theirs").read_text() == "feature\n"
    assert hosted.git("rev-parse", "--abbrev-ref", "HEAD", "HEAD@{upstream}", cwd=tree) == "pr-7\npr-7/pr-7"
    made = commit(hosted, tree, "mine", "")
    (sandbox / "bin" / "gh").unlink()
    hosted.inv("session.pr", "x")
    assert hosted.git("rev-parse", "feature", cwd=hosted.top / "fork.git") == made


def test_a_dry_run_fetches_nothing(hosted: Project, sandbox: Path) -> None:
    _answer(sandbox, "gh", {"pr view 7 ": _pull("feature", fork=True)})
    before = (hosted.main / ".git" / "config").read_text(), hosted.git("for-each-ref")

    said = hosted.inv("session.add", "--pr", "7", "--dry-run")

    assert "feature" in said.out and "A dry run fetches nothing" in said.err
    assert ((hosted.main / ".git" / "config").read_text(), hosted.git("for-each-ref")) == before
