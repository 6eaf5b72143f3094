"""Every accepted NAME is a branch for git and a directory and tmux name by its slug; the rest is refused."""

import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import SessionError
from tasks.store import names

_REFUSED = (
    "", " ", "a b", " a", "a ", "a..b", "-a", "--force", ".a", "_a", "a:b", "a~1", "a^", "a@{1}", "@", "a.lock",
    "a.lock/b", "a\tb", "a\x00b", "a\x1bb", "a\x7fb", "a\n", "\na", "a\nb", "x" * 101, "x" * 300, "/etc/passwd",
    "../up", "~", "a/", "a//b", "a/.b", "a.", "HEAD", "$(id)", "`id`", "$HOME", "a;b", "a|b", "a&b", "a>b", "a*",
    "a?", "a[b]", "a{b}", "a\\b", "a'b", 'a"b', "a#b", "a!b", "a%b", "a=b", "a,b", "é", "\u0430", "\u0663",
)  # fmt: skip
_ACCEPTED = ("a", "7", "feature/auth", "v1.2", "a-_b", "A/b/C.d", "x" * 100, "lock", "a.locked", "HEAD/x", "head", "a-")
_PIECES = st.sampled_from(["a", "Z", "0", "-", "_", ".", "/", "..", ".lock", "HEAD", "lock", "refs/heads/", "@", "~"])
_EACH = 'for name; do git check-ref-format --branch "$name" >&2 || echo "$name"; done'


def accepted(name: str) -> bool:
    try:
        names.check_name(name)
    except SessionError:
        return False
    return True


def not_branches(candidates: list[str]) -> list[str]:
    argv = ["sh", "-c", _EACH, "sh", *candidates]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("name", _REFUSED)
def test_a_name_that_git_tmux_or_a_shell_could_misread_is_refused(name: str) -> None:
    with pytest.raises(SessionError, match="Invalid name"):
        names.check_name(name)


def test_the_character_that_is_not_allowed_is_named() -> None:
    with pytest.raises(SessionError, match=r'a character that is not allowed, "ö"\.'):
        names.check_name("größe x")


@pytest.mark.parametrize(
    ("name", "example"),
    [("Fix the login page!", "Fix-the-login-page"), ("-x-", "x"), ("größe x", "gr-e-x"), ("a" * 300, "a" * 100),
     ("../..", "feature/login"), ("", "feature/login"), ("a..b", "feature/login")],
)  # fmt: skip
def test_what_cannot_be_a_name_is_answered_with_one_like_it(name: str, example: str) -> None:
    with pytest.raises(SessionError, match=f"for example {re.escape(example)}\\.$"):
        names.check_name(name)


@pytest.mark.parametrize("name", _ACCEPTED)
def test_a_name_of_letters_digits_and_the_four_signs_is_accepted(name: str) -> None:
    names.check_name(name)


def test_the_accepted_examples_are_branches_for_git() -> None:
    assert not_branches(list(_ACCEPTED)) == []


@settings(max_examples=25, deadline=None, database=None)
@given(st.lists(st.lists(_PIECES, min_size=1, max_size=5).map("".join), min_size=10, max_size=50))
def test_every_accepted_name_is_a_branch_for_git(candidates: list[str]) -> None:
    assert not_branches([name for name in candidates if accepted(name)]) == []


@settings(max_examples=300, deadline=None, database=None)
@given(st.text(max_size=120) | st.lists(_PIECES).map("".join))
def test_whatever_is_accepted_is_ascii_and_has_a_safe_slug(name: str) -> None:
    if accepted(name):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,99}", name)
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", names.slug_of(name))


def test_the_slug_keeps_letters_digits_underscore_and_hyphen() -> None:
    assert names.slug_of("feature/v1.2_a-B") == "feature-v1-2_a-B"


def test_a_long_refused_name_is_shortened_in_the_message() -> None:
    with pytest.raises(SessionError) as refusal:
        names.check_name("x" * 5000)

    assert len(str(refusal.value.message)) < 400


@pytest.mark.parametrize("branch", ["a..b", "a b", "-b", "x" * 201, ""])
def test_a_branch_from_the_configuration_is_checked_too(branch: str) -> None:
    with pytest.raises(SessionError, match="Check `branch` in the configuration"):
        names.check_branch(branch)


def test_a_branch_may_be_longer_than_a_name() -> None:
    names.check_branch("x" * 150)
