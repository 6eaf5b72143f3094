"""What is reached through a directory stays inside of it, whatever links are there."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.system.rooted import LeadsOutError, Root, is_inside


@pytest.fixture
def top(sandbox: Path) -> Path:
    """Return a directory with a link of every kind, beside another one with a file."""
    (sandbox / "other").mkdir()
    (sandbox / "other" / "file").write_text("precious")
    place = sandbox / "top"
    (place / "server").mkdir(parents=True)
    (place / "server" / "file").write_text("own")
    for name, to in {
        "inside": "server", "absolute": str(place / "server"), "twice": "inside/../inside", "out": "../other",
        "far": str(sandbox / "other"), "up": "server/../../other", "loop": "loop", "file-out": "../other/file",
    }.items():  # fmt: skip
        (place / name).symlink_to(to)
    return place


@pytest.mark.parametrize("name", ["inside", "absolute", "twice"])
def test_a_link_that_stays_inside_is_followed(top: Path, name: str) -> None:
    root = Root(top)

    root.write(f"{name}/file", b"new")

    assert (top / "server" / "file").read_text() == "new"
    assert root.real(f"{name}/file") == top / "server" / "file"


_EFFECTS: dict[str, Callable[[Root, str], object]] = {
    "read": lambda root, path: root.read(path),
    "write": lambda root, path: root.write(path, b"changed"),
    "create": lambda root, path: root.create(f"{path}2"),
    "delete": lambda root, path: root.delete(path),
    "remove_tree": lambda root, path: root.remove_tree(path),
    "make_directory": lambda root, path: root.make_directory(f"{path}2"),
    "symlink": lambda root, path: root.symlink("x", f"{path}2"),
    "move": lambda root, path: root.move(path, "taken"),
    "move to": lambda root, path: root.move("server/file", path),
    "hard_link": lambda root, path: root.hard_link(root, "server/file", f"{path}2"),
    "lstat": lambda root, path: root.lstat(path),
    "names": lambda root, path: root.names(os.path.dirname(path)),
    "left_over": lambda root, path: root.left_over(path),
}


@pytest.mark.parametrize("effect", _EFFECTS)
@pytest.mark.parametrize(
    "path", ["out/file", "far/file", "up/file", "loop/file", "/etc/passwd", "../other/file", "a/../b"]
)
def test_nothing_outside_is_touched(top: Path, sandbox: Path, path: str, effect: str) -> None:
    with pytest.raises(LeadsOutError, match=r"Nothing was changed.*\n.+"):
        _EFFECTS[effect](Root(top), path)

    assert {entry.name: entry.read_text() for entry in (sandbox / "other").iterdir()} == {"file": "precious"}
    assert (top / "server" / "file").read_text() == "own"


def test_a_link_itself_is_taken_away_and_not_what_it_leads_to(top: Path, sandbox: Path) -> None:
    for name in ("out", "file-out"):
        Root(top).remove_tree(name)

    assert not os.path.lexists(top / "out")
    assert (sandbox / "other" / "file").read_text() == "precious"


def test_a_tree_is_taken_away_without_what_its_links_lead_to(top: Path, sandbox: Path) -> None:
    (top / "server" / "deep" / "er").mkdir(parents=True)
    (top / "server" / "deep" / "out").symlink_to(sandbox / "other")
    (top / "server" / "deep").chmod(0o500)

    Root(top).remove_tree("server")

    assert not (top / "server").exists()
    assert (sandbox / "other" / "file").read_text() == "precious"


def test_a_file_is_not_written_through_a_link_that_leads_out(top: Path, sandbox: Path) -> None:
    with pytest.raises(LeadsOutError, match="is a link to "):
        Root(top).write("file-out", b"changed")

    assert (sandbox / "other" / "file").read_text() == "precious"


def test_where_no_link_is_followed_one_that_stays_inside_is_not_either(top: Path) -> None:
    with pytest.raises(LeadsOutError):
        Root(top, follows=False).read("inside/file")


def test_a_directory_that_becomes_a_link_on_the_way_gains_nothing(
    top: Path, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.replace

    def swap(old: str, new: str, src_dir_fd: int, dst_dir_fd: int) -> None:
        (top / "server").rename(top / "moved")
        (top / "server").symlink_to(sandbox / "other")
        really(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "replace", swap)
    Root(top).write("server/file", b"new")

    assert (top / "moved" / "file").read_text() == "new"
    assert (sandbox / "other" / "file").read_text() == "precious"


def test_what_replaces_a_file_keeps_its_mode_and_failures_name_it(top: Path) -> None:
    (top / "server" / "file").chmod(0o640)

    Root(top).write("server/file", b"new")

    assert stat.S_IMODE((top / "server" / "file").stat().st_mode) == 0o640
    with pytest.raises(FileNotFoundError, match=str(top / "server" / "none")):
        Root(top).read("server/none")
    assert os.listdir(top / "server") == ["file"]


@pytest.mark.parametrize("path", ["", "/x", "x/../y", "..", ".", "x//y", "x/", ".git", ".GIT/hooks/x", "a\0b"])
def test_which_paths_are_not_inside(path: str) -> None:
    assert not is_inside(path)


@pytest.mark.parametrize("path", ["x", "x/y.z", "..x", "x/.git", ".gitignore"])
def test_which_paths_are_inside(path: str) -> None:
    assert is_inside(path)
