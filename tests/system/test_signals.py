"""A signal to `inv` alone ends what it started, before anything is undone."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil

from testing.project import CHECKOUT, eventually

_SPAWNER = "import subprocess\nfor _ in range(3000):\n    subprocess.Popen(['sleep', '60'])\n"
_INTERRUPTED = """import os, subprocess, sys, psutil
from tasks.errors import Interrupted
from tasks.system import signals
try:
    with signals.signals_raised():
        subprocess.Popen([sys.executable, "-c", sys.argv[1]]).wait()
except Interrupted:
    group = [each for each in psutil.process_iter() if os.getpgid(each.pid) == os.getpgid(0)]
    left = [each for each in group if each.pid != os.getpid() and each.status() != psutil.STATUS_ZOMBIE]
    print(len(left), flush=True)
    [each.kill() for each in left]
"""


def test_what_is_started_while_it_is_ended_is_ended_as_well(sandbox: Path) -> None:
    argv = [sys.executable, "-c", _INTERRUPTED, _SPAWNER]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        eventually(lambda: len(psutil.Process(process.pid).children(recursive=True)) > 10)
        process.send_signal(signal.SIGTERM)
        left, _ = process.communicate(timeout=60)

    assert left == "0\n"
