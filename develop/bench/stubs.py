"""The programs that windows start in a benchmark: real enough to wait for, and free."""

from __future__ import annotations

import os
import sys
from pathlib import Path

SERVER = '''\
"""Answer HTTP on the last number among the arguments with the directory served from."""
import os
import socket
import sys

ports = [word.rpartition(":")[2] for word in sys.argv[1:]]
ports = [int(word) for word in ports if word.isdigit()]
print("ready", *sys.argv[1:], flush=True)
if ports:
    with socket.create_server(("127.0.0.1", ports[-1])) as server:
        while True:
            with server.accept()[0] as caller:
                caller.recv(4096)
                caller.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + os.getcwd().encode())
'''

CLAUDE = """\
#!/bin/sh
[ "$1" = --version ] && exec echo '2.1.329 (Claude Code)'
echo ready
exec cat >/dev/null
"""

BASHRC = """\
PATH={programs}:$PATH   # a login shell has just reset it
PS1='$ '
unset PROMPT_COMMAND HISTFILE
workon() {{ VIRTUAL_ENV=$1; }}
"""

GITCONFIG = """\
[user]
    name = Benchmark
    email = benchmark@example.invalid
[init]
    defaultBranch = main
[commit]
    gpgSign = false
[gc]
    auto = 0
"""

FOREIGN = ("GIT_", "TMUX", "CLAUDE", "INVOKE_", "XDG_", "VIRTUAL_ENV", "PYTHON")


def install(programs: Path, home: Path) -> None:
    """Write the programs, and the start-up files that put them on the PATH of a login shell."""
    programs.mkdir(parents=True)
    home.mkdir(parents=True)
    server = programs / "server.py"
    server.write_text(SERVER)
    python = f"#!/bin/sh\nexec '{sys.executable}' -S "
    _executable(programs / "python", f'{python}"$@"\n')
    _executable(programs / "npm", f"{python}'{server}' \"$@\"\n")
    _executable(programs / "claude", CLAUDE)
    (home / ".bashrc").write_text(BASHRC.format(programs=programs))
    (home / ".bash_profile").write_text(". ~/.bashrc\n")
    (home / ".gitconfig").write_text(GITCONFIG)


def environment(directory: Path, programs: Path, home: Path) -> dict[str, str]:
    """What children get: nothing of the person's git, tmux, Claude Code or Invoke."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{programs}{os.pathsep}{kept['PATH']}",
        "SHELL": "/bin/bash",
        "TMUX_TMPDIR": str(directory / "tmux"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
    }


def _executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
