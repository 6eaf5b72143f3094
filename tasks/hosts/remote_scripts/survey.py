"""Print in one line what a host has: its sessions by name, load, free memory; with `list` how they stand."""

import json
import os
import subprocess
import sys
from typing import Any


def main() -> None:
    """Print the answer; the arguments are the command that is `inv` here, before it `list` if that is asked."""
    answer = {"sessions": registered(), "load": load(), "free": free()}
    if sys.argv[1] == "list":
        answer["listed"] = listed(sys.argv[2:])
    print(json.dumps(answer))


def listed(inv: Any) -> Any:
    """Return what `session.list` says, or end with its failure."""
    try:
        process = subprocess.run(
            [os.path.expanduser(inv[0]), *inv[1:], "session.list", "--json"], stdout=subprocess.PIPE
        )
    except OSError as error:
        sys.exit(f"{inv[0]}: {error.strerror}. inv fleet.setup installs it.")
    if process.returncode:
        sys.exit(process.returncode)
    try:
        return json.loads(process.stdout.decode("utf-8"))
    except ValueError:
        sys.exit(f"{inv[0]}: unexpected answer: {process.stdout[:100]!r}")


def registered() -> Any:
    """Return the registry's rows, as far as they matter elsewhere."""
    try:
        with open(".tally-sessions", encoding="utf-8") as file:
            rows = json.load(file)
        return {name: _essence(row) for name, row in rows.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        sys.exit("{} is not a registry. Fix it on the host.".format(os.path.abspath(".tally-sessions")))


def _essence(row: Any) -> Any:
    keys = row.get("ports", [key for key in row if type(row[key]) is int])
    ports = {key: row[key] for key in keys}
    return {"branch": row["branch"], "base": row.get("base", ""), "moved": row.get("moved", ""), "ports": ports}


def load() -> float:
    """Return how many processes wait for each processor."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def free() -> int:
    """Return the bytes of memory that are available."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            facts = dict(line.split(":") for line in file)
        return int(facts["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        return 0  # macOS does not say; load decides


if __name__ == "__main__":
    main()
