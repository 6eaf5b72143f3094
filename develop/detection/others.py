"""Servers of other languages: Rails, Go."""

from __future__ import annotations

import re

from develop.detection.facts import Facts, join, parent
from develop.detection.values import NOTHING, Part, Row, Server

_FLAG = re.compile(r"""(?:Int|String|Uint16|Uint)(?:Var)?P?\([^)\n]*?["'](\w*port)["']""", re.IGNORECASE)
_VARIABLE = re.compile(r"""(?:Getenv|LookupEnv)\(\s*"(\w*PORT)"\s*\)""")
_PREFIX = re.compile(r"""SetEnvPrefix\(\s*"(\w+)"\s*\)""")
_NUMBER = re.compile(r"""["`](?:[\w.]*):(\d{4,5})["`]|(?:port|PORT)"?,\s*"?(\d{4,5})""")
_HEALTH = re.compile(r"""["`](?:GET )?(/(?:api/)?(?:v\d+/)?(?:healthz?|livez|ping|status))["`]""")


def find_rails(facts: Facts) -> Part:
    """Return the server of a Rails application."""
    for path in facts.named("rails"):
        directory = parent(parent(path))
        if path == join(directory, "bin/rails") and re.search(
            r"gem ['\"]rails['\"]", facts.read(join(directory, "Gemfile"))
        ):
            up = "/up" if "rails/health#show" in facts.read(join(directory, "config/routes.rb")) else "/"
            server = Server("Rails", directory, path, "bin/rails server --port {port}", 3000, "backend", up)
            return Part((server,))
    return NOTHING


def find_go(facts: Facts) -> Part:
    """Return the server among the programs of the Go module at the top, or of the shallowest one."""
    module = next(iter(facts.named("go.mod")), "")
    if not module:
        return NOTHING
    directory = parent(module)
    code = {
        path: facts.read(path)
        for path in facts.ending(".go")
        if not path.endswith("_test.go") and path.startswith(join(directory, ""))
    }
    mains = {path for path, text in code.items() if re.search(r"(?m)^package main\b", text) and "func main(" in text}
    programs = sorted({parent(path) for path in mains}, key=lambda path: (path.count("/"), path))
    serving = [p for p in programs if _listens({k: v for k, v in code.items() if parent(k) == p})]
    if not serving and any(_listens({path: text}) for path, text in code.items()):
        serving = programs  # the program starts a server of another package
    if not serving:
        return NOTHING
    chosen, *others = serving
    rows = [Row("choice", "Go", chosen or ".", f"not {', '.join(others)}; change `run` of its window for another")]
    server = _go_server(directory, chosen, module, code)
    return Part((server,), (), tuple(rows if others else ()))


def _listens(code: dict[str, str]) -> bool:
    return any(re.search(r"ListenAndServe|http\.Server\{|net\.Listen\(|\.Run\(\"?:|\.Start\(|\.Listen\(", text)
               for text in code.values())  # fmt: skip


def _go_server(directory: str, program: str, module: str, code: dict[str, str]) -> Server:
    """Return it with the port as its code takes it: by a flag, by a variable, or fixed."""
    inner = program.removeprefix(directory).lstrip("/")
    run = f"go run ./{inner}" if inner else "go run ."
    near = {path: text for path, text in code.items() if parent(path) == program}
    text = "\n".join(near.values())
    everything = text + "\n".join(value for value in code.values())
    number = _NUMBER.search(text)
    port = int(number[1] or number[2]) if number else 8080
    health = _HEALTH.search(everything)
    page, unsure = health[1] if health else "/", ""
    if flag := _FLAG.search(text):
        run = f"{run} --{flag[1]} {{port}}"
    elif variable := _VARIABLE.search(text) or _VARIABLE.search(everything):
        run = f"{variable[1]}={{port}} {run}"
    else:
        run, unsure = f"PORT={{port}} {run}", "its code shows no flag and no variable for its port"
    return Server("Go", directory, module, run, port, "backend", page, unsure)


RULES = (find_rails, find_go)
