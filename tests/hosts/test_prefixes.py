"""A prefix that takes one line for a shell, as some commands that reach a machine do."""

import sys
from pathlib import Path

import pytest

from testing import boxes, spaces
from testing.hosts import Fleet

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")

# As `gcloud compute ssh`: one line, which the login shell there reads.
_GCLOUD = """#!/bin/sh
[ "$1 $2 $3" = "compute ssh machine" ] || exit 2
shift 3
flags=
for word; do
    case "$word" in --ssh-flag=*) flags="$flags ${{word#*=}}" ;; --command=*) line="${{word#*=}}" ;; *) exit 2 ;; esac
done
exec ssh $flags alpha -- "$line"
"""


def _program(sandbox: Path, name: str, text: str) -> None:
    path = sandbox / "bin" / name
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.slow
@pytest.mark.skipif(not spaces.CAN, reason="only root on Linux can make network namespaces")
def test_a_prefix_that_takes_one_line_as_gcloud_does(apart: Fleet, sandbox: Path) -> None:
    machine = apart.alpha
    _program(sandbox, "gcloud", _GCLOUD.format())
    boxes.use(apart, "gcloud compute ssh machine --ssh-flag=-T --command={command}", "~/dev/tally")
    apart.here.inv("fleet.add", "x", "--bare")
    odd = """printf '%s|' "a  b" 'c"d' "$HOME" e\\\\f 'g$h' "i'j" '*' ';' """
    assert apart.here.inv("fleet.run", "x", odd).out == f"a  b|c\"d|{machine.home}|e\\f|g$h|i'j|*|;|"
    boxes.day(apart)


def test_a_prefix_that_fails_is_named_with_what_to_look_at(ready: Fleet, sandbox: Path) -> None:
    _program(sandbox, "gcloud", _GCLOUD.format())
    boxes.use(ready, "gcloud compute ssh nosuch --command={command}", "~/dev/tally")
    failed = ready.here.inv("fleet.add", "x", "--bare", code=1).err
    assert "gcloud compute ssh nosuch --command=true" in failed
