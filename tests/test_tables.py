import subprocess
import sys

from tests.project import CHECKOUT

_LOADED = """
import sys
from tasks.machine import tables
for cell in sys.argv[1:]:
    print(tables.table([[cell, "up"]], ["name", "state"]))
    print("wcwidth" in sys.modules and sys.modules["wcwidth"] is not None)
"""


def _printed(*cells: str) -> list[str]:
    argv = [sys.executable, "-c", _LOADED, *cells]
    return subprocess.run(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()


def test_plain_tables_do_not_load_what_only_wide_letters_need() -> None:
    assert _printed("feature") == ["name     state", "-------  -------", "feature  up", "False"]


def test_wide_letters_are_measured_also_after_a_plain_table() -> None:
    wide = _printed("feature", "会議")[4:]

    assert wide == ["name    state", "------  -------", "会議    up", "True"]
