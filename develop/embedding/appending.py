"""Adding lines to a file of the person's, whose own lines stay byte for byte."""

from __future__ import annotations

from pathlib import Path


def append(file: Path, lines: str) -> None:
    """Add *lines*, ASCII, to the end of *file*, ended as its own are; without it make it."""
    there = file.read_bytes() if file.exists() else b""
    ending = b"\r\n" if b"\r\n" in there else b"\n"
    with file.open("ab") as opened:
        opened.write(ending if there and not there.endswith(b"\n") else b"")
        opened.write(lines.encode("ascii").replace(b"\n", ending))
