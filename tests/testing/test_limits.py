"""Nothing waits for ever: each part of a test has its seconds, also within each other."""

import signal
import subprocess
import time

import pytest

from testing import limits


def test_what_takes_longer_fails_and_says_what_it_was() -> None:
    with pytest.raises(limits.OverdueError, match="sleeping was not over after 0 s"):  # noqa: SIM117
        with limits.limit(0.05, "sleeping"):
            subprocess.run(["sleep", "30"], check=False)


def test_a_limit_around_another_goes_on_when_that_one_is_over() -> None:
    with pytest.raises(limits.OverdueError, match="outer"):  # noqa: SIM117
        with limits.limit(0.2, "outer"):
            with limits.limit(10, "inner"):
                time.sleep(0.1)
            time.sleep(30)


def test_afterwards_there_is_the_limit_of_the_test_alone() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with limits.limit(10, "this"):
        pass

    assert signal.getsignal(signal.SIGALRM) is before
    assert 10 < signal.getitimer(signal.ITIMER_REAL)[0] <= 600
