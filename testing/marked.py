"""The processes that have a certain HOME: every test looks for its own, so this takes a tenth of psutil's time."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

_PROC = Path("/proc/self/environ")


def marked_processes(home: Path) -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    """Yield each process whose HOME is *home*, and its environment."""
    for pid in _candidates(home):
        try:
            process = psutil.Process(pid)
            environment = process.environ()
        except psutil.Error:
            continue
        if environment.get("HOME") == str(home):
            yield process, environment


def _candidates(home: Path) -> list[int]:
    if not _PROC.exists():
        return psutil.pids()
    mark = b"\0HOME=" + os.fsencode(home) + b"\0"
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and mark in b"\0" + _environment(name)]


def _environment(pid: str) -> bytes:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except OSError:
        return b""
