"""Commands that reach a host in place of ssh, with the quoting and the terminals of those that a team has."""

import os
import sys
from pathlib import Path

import pytest

from testing import boxes, spaces
from testing.hosts import Fleet, Machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")

# As `kubectl exec`: the words behind `--` run as they are, without a shell and without the variables of this side;
# without -i there is no stdin, with -t it has to be a terminal. What runs there has no part in how it is ended here.
_KUBECTL = """#!/bin/sh
[ "$1" = exec ] || {{ echo "error: unknown command $1" >&2; exit 1; }}
case "$2" in
-i) apart="setsid -w" ;;
-it) apart=; [ -t 0 ] || exit 1 ;;
*) apart=; exec < /dev/null; set -- "$1" -i "$@" ;;
esac
[ "$3" = pod ] && [ "$4" = -- ] || {{ echo "error: usage: kubectl exec POD -- COMMAND" >&2; exit 1; }}
shift 4
$apart ip netns exec {space} env -i TERM="$TERM" {words} "$@"
code=$?
[ $code = 0 ] || echo "command terminated with exit code $code" >&2
exit $code
"""
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


def _variables(machine: Machine) -> str:
    around = {
        "HOME": machine.home, "TMUX_TMPDIR": machine.top / "tmux", "XDG_STATE_HOME": machine.top / "state",
        "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "SHELL": "/bin/bash",
    }  # fmt: skip
    return " ".join(f"{key}={value}" for key, value in around.items())


def _program(sandbox: Path, name: str, text: str) -> None:
    path = sandbox / "bin" / name
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.skipif(not spaces.CAN, reason="only root on Linux can make network namespaces")
def test_a_prefix_that_takes_words_as_kubectl_does(apart: Fleet, sandbox: Path) -> None:
    machine = apart.alpha
    _program(sandbox, "kubectl", _KUBECTL.format(space=machine.space, words=_variables(machine)))
    boxes.use(apart, "kubectl exec -i pod --", str(machine.main))
    machine.stop()
    apart.here.inv("fleet.add", "x", "--bare")
    odd = """printf '%s|' "a  b" 'c"d' "$HOME" e\\\\f 'g$h' "i'j" '*' ';' """
    assert apart.here.inv("fleet.run", "x", odd).out == f"a  b|c\"d|{machine.home}|e\\f|g$h|i'j|*|;|"
    boxes.day(apart)


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
