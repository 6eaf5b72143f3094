import pytest

from testing import missing


def test_what_is_missing_is_named_with_the_packages_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing, "find_program", lambda name: "/bin/x" if name == "ssh" else "")

    assert missing.describe_missing("ssh") == ""
    assert missing.describe_missing("ssh", "sshd", "ssh-keygen") == (
        "not installed: sshd, ssh-keygen (apt install openssh-client openssh-server)"
    )


def test_skipped_tests_are_counted_by_reason_with_one_line_that_installs_all_of_it() -> None:
    reasons = ["Skipped: not installed: zsh (apt install zsh)", "not installed: zsh (apt install zsh)",
               "not installed: sshd (apt install openssh-server)", "only root can"]  # fmt: skip

    assert missing.summarize(reasons) == [
        "   2 not installed: zsh", "   1 not installed: sshd", "   1 only root can",
        "To run them as well: apt install openssh-server zsh",
    ]  # fmt: skip
    assert missing.summarize([]) == []
