"""`inv demo --clean` leaves nothing, also where something is still written while it deletes."""

import os
from pathlib import Path

import pytest

from develop import demo

_LATE = """#!/bin/sh
# the saved copy of a removed session is still being written when the first deletion looks at it
if [ -d "{late}" ] && ! [ -e "{done}" ]; then
    touch "{done}"; echo "rm: cannot remove '{late}': Directory not empty" >&2; exit 1
fi
exec {rm} "$@"
"""


@pytest.fixture
def place(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = sandbox / "tally-demo"
    (directory / "tally" / "saved").mkdir(parents=True)
    (directory / ".made-by-inv-demo").touch()
    monkeypatch.setattr(demo, "CACHE", sandbox / "cache")
    return directory


def _rm(sandbox: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    programs = sandbox / "programs"
    programs.mkdir()
    (programs / "rm").write_text(script)
    (programs / "rm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")


def test_a_directory_that_is_still_written_to_is_deleted(
    sandbox: Path, place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rm = next(each for each in ("/bin/rm", "/usr/bin/rm") if Path(each).exists())
    _rm(sandbox, monkeypatch, _LATE.format(late=place, done=sandbox / "done", rm=rm))
    demo.clean(place, lambda _line: None)
    assert not place.exists() and (sandbox / "done").exists()
    assert capfd.readouterr().err == ""


def test_what_cannot_be_deleted_is_named(sandbox: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _rm(sandbox, monkeypatch, "#!/bin/sh\necho 'rm: no permission' >&2\nexit 1\n")
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with pytest.raises(demo.DemoError, match=rf"no permission\nCouldn't delete everything in {place}\. ") as caught:
        demo.clean(place, lambda _line: None)
    assert "cache" not in str(caught.value)
