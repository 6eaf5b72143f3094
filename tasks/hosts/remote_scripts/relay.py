"""Start one program, pass on its input and signals, and end it with the connection.

Written for any Python 3, because whether that of the host is new enough is still to be found out.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any

_ABSENT, _NOT_BEGUN = 113, 114  # as in ssh.py
# Where people install programs that only their interactive shell has on its PATH.
_USUAL = ("~/.local/bin", "/opt/homebrew/bin", "/usr/local/bin")


def main() -> None:
    """Run what the first line asks for and end as it ends."""
    stream = sys.stdin.buffer
    request = json.loads(stream.readline().decode("ascii"))
    child = start(request)
    threading.Thread(target=listen, args=(stream, child), daemon=True).start()
    code = child.wait()
    os._exit(code if code >= 0 else 128 - code)


def start(request: Any) -> Any:
    """Start the program in the checkout, in a process group of its own."""
    argv = [os.path.expanduser(request["argv"][0]), *request["argv"][1:]]
    os.environ.update(request.get("environment", {}))
    search = [os.environ.get("PATH", os.defpath), *(os.path.expanduser(place) for place in _USUAL)]
    os.environ["PATH"] = os.pathsep.join(search)
    mend = "Run: inv fleet.setup {}".format(request["name"])
    try:
        os.chdir(os.path.expanduser(request["path"]))
    except OSError as error:
        end("{}: the checkout {}: {}\n{}".format(request["name"], request["path"], error.strerror, mend))
    if "session" in request and not has(request["session"]):
        sys.exit(_ABSENT)
    try:
        stdin = subprocess.PIPE if request["reads"] else subprocess.DEVNULL
        return subprocess.Popen(argv, stdin=stdin, start_new_session=True)
    except OSError as error:
        end("{}: {}: {}\n{}".format(request["name"], argv[0], error.strerror, mend))


def end(reason: str) -> None:
    """End before anything has begun."""
    print(reason, file=sys.stderr)
    sys.exit(_NOT_BEGUN)


def has(name: str) -> bool:
    """Return whether the registry here has the session *name*; what cannot be read is for the program to say."""
    try:
        with open(".tally-sessions", encoding="utf-8") as file:
            return name in json.load(file)
    except FileNotFoundError:
        return False
    except (OSError, ValueError, TypeError):
        return True


def listen(stream: Any, child: Any) -> None:
    """Pass on what comes: a letter, four bytes of a number; S is a signal, D that much to read, none of it the end."""
    while True:
        kind = stream.read(1)
        number = int.from_bytes(stream.read(4), "big") if kind else signal.SIGHUP
        try:
            if kind == b"D" and number:
                child.stdin.write(stream.read(number))
                child.stdin.flush()
            elif kind == b"D":
                child.stdin.close()
            else:
                os.killpg(child.pid, number)
        except OSError:  # it ended, or reads no more
            pass
        if not kind:  # the connection is cut: the program got SIGHUP, and finishes or undoes what it began
            return


if __name__ == "__main__":
    main()
