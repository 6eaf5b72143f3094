"""Variables in `.env` files, everything else in the file kept."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

_PLAIN = re.compile(r"[\w./:@%+,=-]*")


def put(path: Path, values: Mapping[str, str]) -> None:
    """Set *values* in the file *path*, which is made, private, if it is missing; its mode is kept."""
    from dotenv import set_key

    exported = _exported(path)
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    for key, value in values.items():
        quote = "never" if _PLAIN.fullmatch(value) else "always"
        set_key(path, key, value, quote_mode=quote, export=key in exported)


def _exported(path: Path) -> set[str]:
    """Return the keys that *path* sets with `export`, which would otherwise be lost."""
    from dotenv.parser import parse_stream

    if not path.exists():
        return set()
    with path.open(encoding="utf-8") as file:
        return {b.key for b in parse_stream(file) if b.key and b.original.string.lstrip().startswith("export ")}
