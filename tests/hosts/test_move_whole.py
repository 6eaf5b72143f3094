"""A session that was moved is on the other machine what it was on this one, with work of every awkward kind."""

import re
from pathlib import Path

import pytest

from testing import awkward, full_state
from testing.hosts import Fleet

_USUAL = ("rebase", "flags", "odd_files", "repositories", "another_branch")  # the others take minutes
_LINK = "frontend/node_modules"
# What names the machine's directories with the directories around that, or is written whenever git looks at the files.
_ITS_OWN = re.compile(
    r"admin: (gitdir|index|modules/.*|tally-.*)|files: (.*/)?\.git(/index)?|files: \.claude/worktrees/agent"
    rf"|files: (frontend|{_LINK})"
)


def _state(worktree: Path) -> dict[str, object]:
    seen = full_state.of(worktree)
    kept = ("files", "admin", "flags", "status", "reflog", "fsck")
    return {**{key: seen[key] for key in kept}, "branch": full_state._git(worktree, "reflog", "show", "x")}


def _differing(before: dict[str, object], after: dict[str, object]) -> dict[str, object]:
    found = full_state.differing(before, after)
    return {key: value for key, value in found.items() if not _ITS_OWN.fullmatch(key)}


def _is_made_by_add(state: dict[str, object]) -> bool:
    """Return whether the worktree has the link that `add` makes; another link in its way is the session's own."""
    files = state["files"]
    assert isinstance(files, dict)
    return bool(files.get(_LINK, ("",))[0] == "link")


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind in _USUAL else [pytest.mark.slow]) for kind in awkward.WORK]
)
def test_what_arrives_is_what_went(ready: Fleet, kind: str) -> None:
    here = ready.here
    here.configure("session: {windows: []}\n")
    (here.main / "both").write_text("begin\n")
    here.git("add", "both")
    here.git("commit", "--quiet", "-m", "both")
    here.inv("session.add", "x")
    tree = here.worktree("x")
    (ready.alpha.main / _LINK).mkdir()
    with (ready.alpha.main / ".git" / "info" / "exclude").open("a") as file:
        file.write(".claude\n")
    awkward.WORK[kind](here, tree)
    here.git("status", cwd=tree)
    before, main = _state(tree), full_state.files(here.main / "frontend")

    here.inv("fleet.move", "x", "--host", "alpha")

    there = ready.alpha.main.with_name("tally-x")
    if _is_made_by_add(before):
        assert (there / _LINK).readlink() == ready.alpha.main / _LINK
    assert not tree.exists()
    assert _differing(before, _state(there)) == {}
    assert full_state.files(here.main / "frontend") == main
    assert full_state._git(ready.alpha.main, "fsck", "--no-dangling") == "0 "
