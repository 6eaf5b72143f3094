"""What else starts programs: Procfile, justfile, Makefile, devcontainer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from develop.detection.facts import Facts
from develop.detection.values import Alternative, Part, Row, Server

_TARGETS = ("dev", "develop", "run", "serve", "start", "server", "up")
_LINE = re.compile(r"(?m)^([\w-]+):\s*(\S.*)$")


def find_procfile(facts: Facts, servers: Sequence[Server]) -> Part:
    """Return the programs of a Procfile: its web server only where nothing else is known, the others as comments."""
    path = next((name for name in ("Procfile.dev", "Procfile") if name in facts.own), "")
    if not path:
        return Part()
    made: list[Server] = []
    others: list[Alternative] = []
    for name, line in _LINE.findall(facts.read(path)):
        if name == "release":
            continue
        if name == "web" and not servers:
            unsure = "" if "PORT" in line else f"{path} doesn't show how it is told its port"
            made.append(Server(f"{path} web", "", path, _on_port(line), 8000, "backend", unsure=unsure))
        else:
            others.append(
                Alternative(f"{name} of {path}", "", path, line, "uses a port of its own" if name == "web" else "")
            )
    remark = "its web server has a window" if made else "not run; its lines are comments in invoke.yaml"
    return Part(tuple(made), tuple(others), (Row("choice" if servers else "found", path, path, remark),))


def _on_port(line: str) -> str:
    """Return *line* with its port: a shell replaces `$PORT` before it sets what stands in front of a command."""
    told = re.sub(r"\$\{PORT(:-\d+)?\}|\$PORT\b", "{port}", line)
    if told != line:
        return told
    return f"export PORT={{port}} && {line}" if re.search(r"[;&|]", line) else f"PORT={{port}} {line}"


# What `make` is told counts more than what its file says.
_FORMS = {"make": "make {0} PORT={port}", "just": "PORT={port} just {0}"}


def find_targets(facts: Facts, servers: Sequence[Server]) -> Part:
    """Return the target of a justfile or Makefile that starts the program, which nothing else shows."""
    for names, program, pattern in (
        (("justfile", "Justfile", ".justfile"), "just", r"(?m)^@?({0})(?:\s[^:\n]*)?:(?!=)"),
        (("Makefile", "makefile", "GNUmakefile"), "make", r"(?m)^({0})\s*:(?!=)"),
    ):
        path = next((name for name in names if name in facts.own), "")
        text = facts.read(path) if path else ""
        present = {match[1] for match in re.finditer(pattern.format("|".join(_TARGETS)), text)}
        target = next((name for name in _TARGETS if name in present), "")
        if not target:
            continue
        if servers:
            other = Alternative(
                f"{program} {target}", "", path, f"{program} {target}", "starts what it likes on its own ports"
            )
            return Part(
                (), (other,), (Row("choice", f"{program} {target}", path, "not run: the servers above were found"),)
            )
        unsure = f"{path} doesn't show on which port it listens" if "PORT" not in text else ""
        server = Server(
            f"{program} {target}",
            "",
            path,
            _FORMS[program].format(target, port="{port}"),
            8000,
            "backend",
            unsure=unsure,
        )
        return Part((server,))
    return Part()


_SHELLS = {
    "flake.nix": "source <(nix print-dev-env '{worktree}')",
    "shell.nix": "source <(nix print-dev-env -f '{worktree}/shell.nix')",
    ".envrc": 'eval "$(direnv export bash)"',
}


def find_nix(facts: Facts) -> Part:
    """Return what windows need where Nix or direnv has the programs: a login shell has none of them."""
    path = next((each for each in _SHELLS if each in facts.own), "")
    remark = f"windows have none of its programs. Set activate: {_SHELLS.get(path)}"
    return Part(rows=(Row("unsure", "programs", path, remark),)) if path else Part()


def find_devcontainer(facts: Facts) -> Part:
    """Return what a devcontainer says: sessions run in it, and don't make one each."""
    path = next(
        (
            each
            for each in facts.own
            if re.fullmatch(r"\.devcontainer(/[\w-]+)?/devcontainer\.json|\.devcontainer\.json", each)
        ),
        "",
    )
    if not path:
        return Part()
    content = facts.read_json(path)
    prepared = content.get("postCreateCommand") or content.get("updateContentCommand")
    said = "sessions run inside it, side by side, in one container"
    if isinstance(prepared, str):
        said += f"; what it runs once ({prepared[:50]}) is for the main checkout"
    ports = content.get("forwardPorts")
    if isinstance(ports, list) and ports:
        said += "; its forwardPorts are the main checkout's, the editor forwards others by itself"
    return Part(rows=(Row("found", "devcontainer", path, said),))
