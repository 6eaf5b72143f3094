"""`session.diff`: everything that a session changed since it left its base, and nothing is touched."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tasks.model import Repository
from tasks.status import worktree_diff
from testing import sessions
from testing.project import INV, Project, eventually
from testing.terminal import screen, shows, tmux


@pytest.fixture
def worked(sandbox: Path) -> Project:
    """Return a repository whose session `a` has work of every kind, and whose base has moved on."""
    project = sessions.repository(
        sandbox / "it", {"kept": "1\n", "edited": "1\n2\n", "gone": "x\n", "old name": "1\n2\n3\n4\n", "theirs": "1\n"}
    )
    tree = sessions.add(project, "a", {"committed": "1\n"}, copy=("copied.db",))
    sessions.commit(project, project.main, {"theirs": "2\n"})
    (tree / "edited").write_text("1\n2\n3\n")
    (tree / "gone").unlink()
    project.git("mv", "old name", "new name", cwd=tree)
    sessions.write(tree, {"staged": "1\n", "copied.db": "1\n", "x.ignored": "1\n", "dir/ü\n new": "1\n2\n"})
    (tree / "binary").write_bytes(b"\0\1")
    (tree / "link").symlink_to("nowhere")
    (tree / "empty").touch(0o755)
    (tree / "unreadable").write_text("1\n")
    project.git("add", "staged", cwd=tree)
    subprocess.run(["git", "init", "--quiet", str(tree / "nested")], check=True)
    (tree / "nested" / "file").touch()
    return project


def _everything(project: Project) -> dict[str, object]:
    """Return what is in the repository and its worktrees, git's own files included: content, and time.

    git itself renews what it noted in an index of when files were changed: of that the content alone is compared.
    """
    files = [each for place in (project.main, project.worktree("a")) for each in sorted(place.rglob("*"))]
    return {
        str(each): (
            "" if each.is_dir() or each.name == "index" else each.lstat().st_mtime_ns,
            hashlib.sha256(each.read_bytes()).hexdigest() if each.is_file() else "",
        )
        for each in files
        if "__pycache__" not in each.parts and "tally-sessions" not in each.parts
    }


def test_all_work_is_in_the_patch_and_nothing_is_touched(worked: Project, sandbox: Path) -> None:
    tree = worked.worktree("a")
    worked.git("status", cwd=tree)  # git itself notes in its index what it saw
    before = _everything(worked)

    patch = worked.inv("session.diff", "a")
    stat = worked.inv("session.diff", "a", "--stat").out
    (record,) = worked.inv("session.diff", "a", "--json").json

    assert _everything(worked) == before
    assert "nested/ is a repository of its own. Git doesn't compare it." in patch.err
    by_path = {each["path"]: each for each in record["files"]}
    assert sorted(by_path) == [
        "binary", "committed", "dir/ü\n new", "edited", "empty", "gone", "link", "new name", "staged", "unreadable",
    ]  # fmt: skip
    assert by_path["new name"] == {"path": "new name", "was": "old name", "insertions": 0, "deletions": 0}
    assert by_path["binary"]["insertions"] is None
    assert (record["insertions"], record["deletions"]) == (7, 1)
    assert (record["base"], record["start"]) == ("main", worked.git("rev-parse", "main~1"))
    assert "10 files changed, 7 insertions(+), 1 deletion(-)" in stat
    assert "theirs" not in patch.out
    (from_base,) = worked.inv("session.diff", "a", "--base", "--json").json
    assert {each["path"] for each in from_base["files"]} - {".tally-sessions"} == {*by_path, "theirs"}
    # It is a patch: it makes a checkout of the start what the worktree is.
    other = sandbox / "other"
    worked.git("worktree", "add", "--quiet", "--detach", str(other), record["start"])
    whole = subprocess.run(
        [INV, "session.diff", "a"], cwd=worked.main, capture_output=True, check=True, env={**os.environ, "GIT_DIR": "x"}
    ).stdout
    binary = [part for part in whole.split(b"diff --git ") if not part.startswith(b"a/binary")]
    subprocess.run(["git", "-C", str(other), "apply"], input=b"diff --git ".join(binary), check=True)
    assert (other / "dir" / "ü\n new").read_text() == "1\n2\n"
    assert os.readlink(other / "link") == "nowhere"
    assert os.access(other / "empty", os.X_OK)
    assert not (other / "gone").exists()


def test_in_the_middle_of_a_merge_only_the_sessions_own_work_is_shown(worked: Project) -> None:
    tree = worked.worktree("a")
    worked.git("stash", "--quiet", "--include-untracked", cwd=tree)
    worked.git("merge", "--no-commit", "--no-ff", "main", cwd=tree)

    shown = worked.inv("session.diff", "a", "--stat").out

    assert "committed" in shown
    assert "theirs" not in shown


def test_several_sessions_and_what_cannot_be_compared(worked: Project) -> None:
    sessions.add(worked, "b")
    sessions.add(worked, "c")
    (worked.worktree("c") / ".git").unlink()

    said = worked.inv("session.diff", "b,a,c", "--stat", code=1)

    assert said.out.startswith("==> b <==\n==> a <==\n")
    assert "b has no changes." in said.err
    assert "The worktree of c is gone.\nRun: inv session.doctor" in said.err
    assert [each["name"] for each in worked.inv("session.diff", "b", "a", "--json").json] == ["b", "a"]


def test_a_dashboard_gets_the_whole_text_in_colours(worked: Project) -> None:
    session = sessions.all_of(worked)[0]
    worked.git("config", "diff.external", "false")  # a tool with windows, or none at all
    with worktree_diff.open_diff(Repository(worked.main, worked.main / ".git"), session) as diff:
        text = worktree_diff.diff_text(diff, "--color=always")

    assert "\x1b[32m+3\x1b[m" in text.replace("\x1b[32m+\x1b[m\x1b[32m3", "\x1b[32m+3")
    assert "link" in text


def test_on_a_terminal_it_is_the_pager_of_git_and_its_colours(worked: Project, sandbox: Path) -> None:
    pager = sandbox / "bin" / "delta"  # which reads coloured text, and may be left by ^C
    pager.write_text("#!/bin/bash\ncat > \"$HOME/paged\"\necho 'in the pager'\nread -r < /dev/tty\n")
    pager.chmod(0o755)
    worked.git("config", "core.pager", "delta")
    tmux("new-session", "-d", "-s", "mine", "-x", "80", "-y", "20", "-c", str(worked.main), "bash", "--norc")
    pane = tmux("list-panes", "-t", "=mine:", "-F", "#{pane_id}")
    tmux("send-keys", "-t", pane, f"PATH={sandbox / 'bin'}:$PATH; clear; {INV} session.diff a; echo ended $?", "Enter")
    shows(pane, "in the pager")

    tmux("send-keys", "-t", pane, "C-c")

    shows(pane, "ended 0")
    assert "Traceback" not in screen(pane)
    eventually(lambda: "\x1b[1mdiff --git" in (Path.home() / "paged").read_text())
