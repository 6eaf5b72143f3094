"""Make a checkout that takes pushes, and bring a branch forward to a commit that was pushed, never backward."""

import json
import os
import subprocess
import sys
from typing import Any


def main() -> None:
    """Run the function that the first argument names with the others, and print its answer."""
    answer = create(*sys.argv[2:]) if sys.argv[1] == "create" else forward(*sys.argv[2:])
    print(json.dumps(answer))


def git(*arguments: str, check: bool = True) -> str:
    """Return what git answers; a failure ends us with what it said."""
    process = subprocess.run(["git", *arguments], capture_output=True, check=False)
    if check and process.returncode:
        sys.exit(process.stderr.decode("utf-8", "replace").strip() or process.returncode)
    return "" if process.returncode else process.stdout.decode("utf-8", "surrogateescape").strip()


def holds(*arguments: str) -> bool:
    """Return whether git says yes."""
    return not subprocess.run(["git", *arguments], stderr=subprocess.DEVNULL, check=False).returncode


def create(path: str, branch: str) -> Any:
    """Make a repository at *path* whose first branch is *branch*; one that is there stays."""
    path = os.path.expanduser(path)
    if os.path.exists(os.path.join(path, ".git")):
        return {"created": False}
    if os.path.isdir(path) and os.listdir(path):
        sys.exit(f"{path} exists and is not a repository. Move it away, or configure another path.")
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}")
    git("init", "--quiet", path)
    git("-C", path, "symbolic-ref", "HEAD", "refs/heads/" + branch)
    return {"created": True}


def forward(branch: str, commit: str, incoming: str) -> Any:
    """Bring *branch*, wherever it is checked out, to *commit*; commits that would be lost are counted instead.

    *incoming* is the ref that brought the commit; it is dropped.
    """
    try:
        return _forward(branch, commit)
    finally:
        if incoming:
            git("update-ref", "-d", incoming, check=False)


def _forward(branch: str, commit: str) -> Any:
    reference = "refs/heads/" + branch
    old = git("rev-parse", "--verify", "--quiet", reference, check=False)
    if old == commit:
        return {"state": "same"}
    if old and holds("merge-base", "--is-ancestor", commit, old):
        return {"state": "ahead", "count": git("rev-list", "--count", old, "^" + commit)}
    if old and not holds("merge-base", "--is-ancestor", old, commit):
        return {"state": "diverged", "count": git("rev-list", "--count", old, "^" + commit)}
    place = checked_out(reference)
    if place:
        git("-C", place, "merge", "--quiet", "--ff-only", commit)
    else:
        git("update-ref", reference, commit, old)
    return {"state": "forwarded"}


def checked_out(reference: str) -> str:
    """Return the worktree that has *reference* checked out, if one does."""
    for block in git("worktree", "list", "--porcelain").split("\n\n"):
        lines = block.split("\n")
        if "branch " + reference in lines:
            return lines[0][len("worktree ") :]
    return ""


if __name__ == "__main__":
    main()
