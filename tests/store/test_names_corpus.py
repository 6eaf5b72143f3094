"""Ten thousand hostile names: each is refused, or is a branch for git and a safe name by its slug."""

import random
import re
import subprocess
from pathlib import Path

from tasks.errors import SessionError
from tasks.store import names

_NAMES = 10_000
_PIECES = (
    *"abzAZ09-_./", *"-_./" * 2, "..", "//", "/.", "./", ".lock", ".lock/", "@", "@{", "~", "^", ":", "?", "*", "[",
    "]", "\\", " ", "\t", "\n", "\x00", "\x1b", "\x7f", "$(id)", "`", "'", '"', ";", "|", "&", "#", "%", "{", "}",
    "HEAD", "refs/heads/", "--force", "é", "\u0430", "\u0663", "\u202e", "\ud800", "\U0001f600", "feature", "v1.2",
    "x" * 60,
)  # fmt: skip
_TAME = ("a", "b", "Z", "0", "9", "-", "_", ".", "/", "lock", ".lock", "HEAD", "feature", "x" * 40)


def corpus() -> list[str]:
    """Return the names: half of anything, half of what is nearly allowed."""
    choose = random.Random(2026)
    made = []
    for number in range(_NAMES):
        pieces = _TAME if number % 2 else _PIECES
        made.append("".join(choose.choices(pieces, k=choose.randint(0, 8))))
    return made


def _accepted(name: str) -> bool:
    try:
        names.check_name(name)
    except SessionError:
        return False
    return True


def test_every_accepted_name_is_a_branch_for_git(sandbox: Path) -> None:
    tried = corpus()
    accepted = sorted({name for name in tried if _accepted(name)})
    assert len(tried) == _NAMES
    assert 1000 < len(accepted) < _NAMES / 2
    git = ["git", "-C", str(sandbox)]
    subprocess.run([*git, "init", "--quiet", "--bare"], check=True)
    empty = subprocess.run([*git, "mktree"], input="", capture_output=True, text=True, check=True).stdout.strip()
    commit = subprocess.run([*git, "commit-tree", empty, "-m", "x"], capture_output=True, text=True, check=True)

    # Numbered, since git cannot hold the branches a and a/b together: what it refuses is the name.
    lines = [f"create refs/heads/{i}/{name} {commit.stdout.strip()}\n" for i, name in enumerate(accepted)]
    argv = [*git, "update-ref", "--stdin"]
    said = subprocess.run(argv, input="".join(lines), capture_output=True, text=True, check=False)

    assert (said.returncode, said.stderr) == (0, "")
    listed = subprocess.run([*git, "for-each-ref", "refs/heads"], capture_output=True, text=True, check=True)
    assert len(listed.stdout.splitlines()) == len(accepted)


def test_every_accepted_name_can_stand_as_an_argument_of_git(sandbox: Path) -> None:
    """Git refuses some branches only where a person would make them: HEAD, or one that begins with a dash."""
    accepted = [name for name in corpus() if _accepted(name)]

    assert not [name for name in accepted if name.startswith("-") or name == "HEAD"]
    assert all(name.isascii() and name.isprintable() and not re.search(r"\s", name) for name in accepted)


def test_every_slug_is_safe_for_directories_and_tmux() -> None:
    for name in filter(_accepted, corpus()):
        slug = names.slug_of(name)
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", slug), name
        assert len(slug.encode()) < 255 - len("..removed"), name


def test_every_refused_name_says_why_without_control_characters() -> None:
    for name in corpus():
        try:
            names.check_name(name)
        except SessionError as refusal:
            said = str(refusal)
            assert all(line.isprintable() for line in said.split("\n")), ascii(name)
            assert "Invalid name " in said
