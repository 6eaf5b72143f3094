"""What a person approved: digests of it in our state directory, so that no command or secret is stored there."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from ..model import Repository
from ..system import files, locks, shape
from .state_directory import state_directory

_LONGEST = 10_000_000  # bytes


def hash_text(text: str, key: bytes = b"") -> str:
    """Return a cryptographic digest of *text*, which only the owner of the *key* can make."""
    try:
        from _blake2 import blake2b  # without OpenSSL, whose import takes longer than all else here
    except ImportError:
        from hashlib import blake2b
    return blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=32).hexdigest()


def digest_facts(repository: Repository, *facts: object) -> str:
    """Return what stands for *facts* in *repository*."""
    return hash_text(json.dumps([str(repository.main), *facts]))


def read_approvals() -> frozenset[str]:
    """Return the digests of all that was approved; none from where others may write."""
    try:
        return frozenset(shape.parse_json(_read("trusted.json") or "[]", shape.TEXTS, "trusted.json"))
    except shape.ShapeError:
        return frozenset()


def approve_digests(digests: Sequence[str]) -> None:
    """Store *digests*."""
    with locks.file_lock(state_directory() / "trusted.lock"):
        approvals = read_approvals()
        if new := [each for each in digests if each not in approvals]:
            _write("trusted.json", json.dumps([*sorted(approvals), *new], indent=2) + "\n")


def read_key() -> bytes:
    """Return the secret that rows are sealed with, made at the first call."""
    directory = state_directory()
    if (key := _read("seal.key")) is None:
        with locks.file_lock(directory / "trusted.lock"):
            if (key := _read("seal.key")) is None:
                key = os.urandom(32).hex()
                _write("seal.key", key)
    return key.encode()[:64]


def _write(name: str, text: str) -> None:
    file = state_directory() / name
    if not _is_own(file):
        file.unlink(missing_ok=True)
    files.write_whole(file, text, mode=0o600)


def _read(name: str) -> str | None:
    """Return the content of our file *name*; None if it doesn't exist, or others may write to it."""
    file = state_directory() / name
    try:
        if not _is_own(file):
            return None
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _is_own(file: Path) -> bool:
    try:
        status = file.stat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and _is_only_ours(status) and status.st_size <= _LONGEST


def _is_only_ours(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
