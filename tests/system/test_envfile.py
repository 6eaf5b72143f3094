"""Values set in `.env` files: they arrive as they are, and the rest of the file stays as it is."""

import itertools
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.system import envfile, session_command
from tasks.system.rooted import Root

_BEFORE = b"""# a comment, kept
QUOTED='a # "b" $c'
DOUBLE="x\\ny ${HOME}"   # note
export EXPORTED=1
MULTI="one
two # no comment

three"
  INDENTED = a b
EMPTY=
DOLLAR=$HOME$$
"""
_AFTER = b"LAST='\xc3\xa9'\n\n# the end"


def test_the_rest_of_the_file_survives_byte_for_byte(sandbox: Path) -> None:
    file = sandbox / ".env"
    file.write_bytes(_BEFORE + b"KEY=old\n" + _AFTER)

    envfile.put_values(Root(file.parent), file.name, {"KEY": "http://localhost:8001"})

    assert file.read_bytes() == _BEFORE + b"KEY=http://localhost:8001\n" + _AFTER


def test_a_new_key_is_put_at_the_end_on_a_line_of_its_own(sandbox: Path) -> None:
    file = sandbox / ".env"
    file.write_bytes(_BEFORE + b"LAST=x")

    envfile.put_values(Root(file.parent), file.name, {"KEY": "1"})

    assert file.read_bytes() == _BEFORE + b"LAST=x\nKEY=1\n"


def test_several_values_are_set_at_once(sandbox: Path) -> None:
    file = sandbox / ".env"
    file.write_text("A=1\nB=2\nC=3\n")

    envfile.put_values(Root(file.parent), file.name, {"C": "30", "A": "10"})

    assert file.read_text() == "A=10\nB=2\nC=30\n"


@pytest.mark.parametrize("prefix", ["export ", "export  "])
def test_an_exported_key_stays_exported(sandbox: Path, prefix: str) -> None:
    file = sandbox / ".env"
    file.write_text(f"{prefix}KEY=old\nexport OTHER=1\n")

    envfile.put_values(Root(file.parent), file.name, {"KEY": "new"})

    assert file.read_text() == "export KEY=new\nexport OTHER=1\n"


def test_the_blank_line_before_the_key_stays(sandbox: Path) -> None:
    file = sandbox / ".env"
    file.write_text("A=1\n\nKEY=old\n")

    envfile.put_values(Root(file.parent), file.name, {"KEY": "new"})

    assert file.read_text() == "A=1\n\nKEY=new\n"


def test_the_line_ends_of_windows_stay(sandbox: Path) -> None:
    file = sandbox / ".env"
    file.write_bytes(b"A=1\r\nKEY=old\r\nB='x\r\ny'\r\n")

    envfile.put_values(Root(file.parent), file.name, {"KEY": "new"})

    assert file.read_bytes() in (b"A=1\r\nKEY=new\r\nB='x\r\ny'\r\n", b"A=1\r\nKEY=new\nB='x\r\ny'\r\n")


def test_bytes_that_are_no_utf_8_stay(sandbox: Path) -> None:
    file = sandbox / ".env"
    file.write_bytes(b"A=caf\xe9\nKEY=old\n")

    envfile.put_values(Root(file.parent), file.name, {"KEY": "new"})

    assert file.read_bytes() == b"A=caf\xe9\nKEY=new\n"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_mode_is_kept(sandbox: Path, mode: int) -> None:
    file = sandbox / ".env"
    file.write_text("A=1\n")
    file.chmod(mode)

    envfile.put_values(Root(file.parent), file.name, {"A": "2", "B": "3"})

    assert stat.S_IMODE(file.stat().st_mode) == mode


def test_a_new_file_is_private(sandbox: Path) -> None:
    envfile.put_values(Root(sandbox), ".env", {"A": "1"})

    assert stat.S_IMODE((sandbox / ".env").stat().st_mode) == 0o600
    assert (sandbox / ".env").read_text() == "A=1\n"


def test_nothing_is_left_beside_the_file(sandbox: Path) -> None:
    directory = sandbox / "place"
    directory.mkdir()

    envfile.put_values(Root(directory), ".env", {"A": "a b", "B": "c"})

    assert [entry.name for entry in directory.iterdir()] == [".env"]


def test_a_shell_compose_and_python_dotenv_read_the_same(sandbox: Path) -> None:
    signs = ["'", '"', "\\", "$", "`", " ", "\n", "#", "!", "a", "{", "=", "~", "*", "é", "\t"]
    every = ["", *signs, *("".join(pair) for size in (2, 3) for pair in itertools.product(signs, repeat=size))]
    values = {f"K{number}": f"a{value}b" for number, value in enumerate([*every, "it's 5\" wide, C:\\x\\\\y\n"])}
    odd = envfile.odd_values(values)
    assert all("${" in values[key] or {"'", "$"} <= {*values[key]} or {"'", "`"} <= {*values[key]}
               or "\\\\" in values[key] for key in odd)  # fmt: skip
    common = {key: value for key, value in values.items() if key not in odd}
    envfile.put_values(Root(sandbox), "f", common)

    shown = subprocess.run(
        ["bash", "-c", "set -a; . ./f; exec env -0"], cwd=sandbox, capture_output=True, check=True
    ).stdout.decode()  # fmt: skip
    sourced = dict(line.split("=", 1) for line in shown.split("\0") if line.startswith("K"))
    assert sourced == common == dotenv_values(sandbox / "f")  # Docker Compose 1 reads with python-dotenv
    assert session_command.export_lines({"K": "it's $5"}) == "export K='it'\"'\"'s $5'"
    assert envfile.odd_values({"K": "a ${B}", "L": "a\\", "M": "it's $5", "N": "$A it"}) == ["K", "L", "M"]


@settings(max_examples=150, deadline=None, database=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"], include_characters="\n\t"), max_size=30))
def test_every_value_arrives_as_it_is(value: str) -> None:
    assert _stored(value) == value


@pytest.mark.parametrize(
    "value", ["", " ", "a b", "a#b", "a # b", "'", '"', "\\", "a\\", "\\'", "$A", "a\nb", "é", "`x`"]
)
def test_a_value_with_a_sign_of_the_format_arrives_as_it_is(value: str) -> None:
    assert _stored(value) == value


def _stored(value: str) -> str | None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / ".env"
        file.write_text("BEFORE=1\nKEY=old\nAFTER=2\n")
        envfile.put_values(Root(file.parent), file.name, {"KEY": value})
        found = dotenv_values(file, interpolate=False)
    assert list(found) == ["BEFORE", "KEY", "AFTER"]
    assert (found["BEFORE"], found["AFTER"]) == ("1", "2")
    return found["KEY"]
