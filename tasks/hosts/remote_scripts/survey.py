"""Print in one line what a host has: its sessions by name, load, memory, disk; with `list` how they stand."""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from typing import Any

_CLAIMED_FOR = 120.0  # seconds in which an add of that name has begun to be seen in the registry


def main() -> None:
    """Print the answer to a question: `plain`, `list`, or `claim NAME TOKEN OWNER`; last comes what is `inv` here."""
    print("here", flush=True)  # before anything that takes long: whether we live is known by that
    answer = {"sessions": registered(), "load": load(), "free": free(), "disk": disk(), "version": version(".")}
    answer.update({"removed": removed(), "now": time.time()})
    if sys.argv[1] == "list":
        answer["listed"] = listed(sys.argv[2:])
        answer["quiet"] = quiet()
    if sys.argv[1] == "claim":
        answer.update({"place": place(), "claims": claim(*sys.argv[2:5])})
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


def quiet() -> float:
    """Return for how many seconds nobody was attached to tmux, and nothing printed there; at most since the start."""
    try:
        up = time.time() - os.stat("/proc/1").st_mtime
        form = "#{session_attached} #{window_activity}"
        lines = subprocess.run(
            ["tmux", "list-windows", "-a", "-F", form], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if lines.returncode and not re.search(rb"no server running|\(No such file or directory\)", lines.stdout):
            return 0.0  # nobody knows
        said = "" if lines.returncode else lines.stdout.decode("utf-8")
        windows = [line.split() for line in said.splitlines()]
        last = [time.time() if attached != "0" else float(activity) for attached, activity in windows]
    except (OSError, ValueError):
        return 0.0
    return max(min([up, *(time.time() - at for at in last)]), 0.0)


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


def removed() -> Any:
    """Return the slugs of the removed sessions that can be restored."""
    try:
        return os.listdir(os.path.join(".git", "tally-sessions", "removed"))
    except OSError:
        return []


def _essence(row: Any) -> Any:
    keys = row.get("ports", [key for key in row if type(row[key]) is int])
    facts = {key: row.get(key, "") for key in ("base", "based", "moved", "owner")}
    return {"branch": row["branch"], "ports": {key: row[key] for key in keys}, **facts}


def claim(name: str, token: str, owner: str) -> Any:
    """Claim *name* for whoever has *token*, and return the claims of this moment, oldest first.

    Of two machines that add one name to two hosts at once, each sees who was here first.
    """
    directory = os.path.join(".git", "tally-sessions", "claims")
    os.makedirs(directory, mode=0o700, exist_ok=True)
    _drop_old(directory)
    own = os.path.join(directory, hashlib.sha256(name.encode()).hexdigest())
    facts = json.dumps({"name": name, "token": token, "owner": owner}).encode()
    scratch = f"{own}.{token}"
    with open(scratch, "wb") as file:
        file.write(facts)
    try:
        os.link(scratch, own)  # whole, or not at all
    except FileExistsError:
        pass
    os.unlink(scratch)
    return [each for each in map(_read, _claims(directory)) if each]


def _claims(directory: str) -> Any:
    files = [os.path.join(directory, each) for each in os.listdir(directory) if "." not in each]
    return sorted(files, key=lambda each: (os.stat(each).st_mtime_ns, each) if os.path.exists(each) else (0, each))


def _read(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def _drop_old(directory: str) -> None:
    for each in os.listdir(directory):
        path = os.path.join(directory, each)
        try:
            if time.time() - os.stat(path).st_mtime > _CLAIMED_FOR:
                os.unlink(path)
        except FileNotFoundError:
            pass


def place() -> str:
    """Return what tells this checkout from those of other hosts, whatever people call these."""
    return hashlib.sha256((os.uname().nodename + "\0" + os.getcwd()).encode()).hexdigest()


def version(top: str) -> str:
    """Return the digest of the tasks in the checkout *top*."""
    total = hashlib.sha256()
    for path, directories, names in os.walk(os.path.join(top, "tasks")):
        directories[:] = sorted(each for each in directories if each != "__pycache__")
        for name in sorted(names):
            if name.endswith(".py"):
                with open(os.path.join(path, name), "rb") as file:
                    content = hashlib.sha256(file.read()).digest()
                total.update(os.path.relpath(os.path.join(path, name), top).encode() + b"\0" + content)
    return total.hexdigest()


def disk() -> int:
    """Return the bytes that new sessions may take, beside the checkout."""
    status = os.statvfs("..")
    return status.f_bavail * status.f_frsize


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
