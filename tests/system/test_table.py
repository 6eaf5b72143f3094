import importlib.metadata
import subprocess
import sys

from tasks.system import table


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    assert table.format_table([["feature", "up"]], ["name", "state"]).splitlines() == [
        "name     state", "-------  -------", "feature  up",
    ]  # fmt: skip


def test_wide_letters_are_measured() -> None:
    assert table.format_table([["会議", "up"]], ["name", "state"]).splitlines() == [
        "name    state", "------  -------", "会議    up",
    ]  # fmt: skip


def _python(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_table_loads_nothing_to_know_the_version_of_tabulate() -> None:
    loads = "import sys\nfrom tasks.system import table\ntable.format_table([['a']], ['b'])\n"
    said = "print('email' in sys.modules, 'importlib.metadata' in sys.modules)\n"
    version = "from importlib import metadata; print(metadata.version('tabulate'))\n"

    assert _python(f"{loads}{said}{version}") == ["False", "False", importlib.metadata.version("tabulate")]


def test_who_asks_for_metadata_meanwhile_gets_it() -> None:
    stand_in = (
        "import sys\nfrom tasks.system import table\nsys.modules['importlib.metadata'] = table._UnknownVersion('x')\n"
    )
    asks = "from importlib.metadata import Distribution, version\nprint(version('psutil'), Distribution.__module__)"

    assert _python(stand_in + asks) == [importlib.metadata.version("psutil"), "importlib.metadata"]
