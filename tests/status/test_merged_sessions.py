"""`remove --merged`: what counts as merged by git's proofs and by the forge's word, and what never does."""

from pathlib import Path

import pytest

from testing import sessions
from testing.origin import commit, others_push, share
from testing.project import Project


@pytest.fixture
def shared(sandbox: Path) -> Project:
    """Return a repository with an origin, where somebody else merges."""
    project = sessions.repository(sandbox / "dev" / "tally", {"a": "a\n"})
    share(project)
    return project


def _removed(project: Project, *words: str, code: int = 0) -> list[str]:
    said = project.inv("session.remove", "--merged", "--json", *words, code=code)
    return [record["name"] for record in said.json]


def test_what_others_merged_is_removed_after_a_fetch(shared: Project) -> None:
    tree = sessions.add(shared, "squashed", base="origin/main")
    commit(shared, tree, "b", "b\n")
    commit(shared, tree, "b", "b2\n")
    pushed = sessions.add(shared, "pushed", {"c": "c\n"}, base="origin/main")
    shared.git("push", "--quiet", "origin", "pushed", cwd=pushed)  # on a remote, and merged nowhere
    others_push(shared, "b", "b2\n")  # the same as one commit
    before = shared.git("rev-parse", "origin/main")

    assert _removed(shared, "--dry-run") == ["squashed"]
    assert shared.git("rev-parse", "origin/main") != before

    assert tree.exists()
    assert _removed(shared) == ["squashed"]
    assert (tree.exists(), pushed.exists()) == (False, True)
    assert "no session is merged." in shared.inv("session.remove", "--merged").err


def test_a_branch_without_commits_stays_for_a_day(shared: Project) -> None:
    sessions.add(shared, "old")
    young = sessions.add(shared, "young", created="2999-01-01T00:00:00+00:00")
    commit(shared, shared.main, "b", "b\n")
    shared.git("merge", "--quiet", "main", cwd=young)  # has moved, and has no commits of its own

    assert _removed(shared) == ["old"]
    commit(shared, young, "c", "c\n")
    assert _removed(shared) == []
    shared.git("merge", "--quiet", "young")
    assert _removed(shared) == ["young"]


def test_the_word_of_the_forge_counts_for_exactly_that_commit(shared: Project, sandbox: Path) -> None:
    tree = sessions.add(shared, "x", {"b": "b\n"})
    tip = shared.git("rev-parse", "x")
    shared.git("remote", "set-url", "origin", "git@github.com:me/it.git")
    gh = sandbox / "bin" / "gh"
    gh.write_text(f"""#!/bin/sh
[ "$*" = "pr list --state merged --json number,headRefOid --head x" ] && echo '[{{"number": 7, "headRefOid": "{tip}"}}]'
""")
    env = {"GIT_SSH_COMMAND": "false"}
    commit(shared, tree, "later", "later\n")
    assert "no session is merged." in shared.inv("session.remove", "--merged", env=env).err
    shared.git("reset", "--quiet", "--hard", tip, cwd=tree)
    (tree / "new").touch()
    assert "uncommitted changes" in shared.inv("session.remove", "--merged", env=env, code=1).err
    (tree / "new").unlink()
    assert "unmerged commit" in shared.inv("session.remove", "x", env=env, code=1).err

    said = shared.inv("session.remove", "--merged", env=env)

    assert "x counts as merged: #7 was merged." in said.err
    assert not tree.exists()
