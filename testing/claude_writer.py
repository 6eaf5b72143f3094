"""Change one key of `.claude.json` as Claude Code does, until the file STOP exists: FILE KEY STOP.

Prints the number of changes. Each one: `mkdir` the lock, read, write a temporary file, rename it, `rmdir`.
"""

import json
import os
import random
import sys
import time
from pathlib import Path


def count_up(file: Path, key: str) -> None:
    """Add one to *key*, under the lock."""
    lock = Path(f"{file}.lock")
    while True:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            time.sleep(random.uniform(0.001, 0.01))
    content = json.loads(file.read_text())
    content[key] = content.get(key, 0) + 1
    beside = Path(f"{file.resolve()}.tmp.{os.getpid()}.{random.randbytes(6).hex()}")
    beside.write_text(json.dumps(content, indent=2, ensure_ascii=False))
    os.replace(beside, file.resolve())
    lock.rmdir()


if __name__ == "__main__":
    times = 0
    while not Path(sys.argv[3]).exists():
        count_up(Path(sys.argv[1]), sys.argv[2])
        times += 1
        time.sleep(random.uniform(0, 0.01))
    print(times)
