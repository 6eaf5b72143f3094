"""Servers of other languages: Rails, Go."""

from __future__ import annotations

import re

from develop.detection.facts import Facts, join, parent
from develop.detection.values import NOTHING, Part, Row, Server

_FLAG = re.compile(r"""(?:Int|String|Uint16|Uint)(?:Var)?P?\([^)\n]*?["'](\w*port)["']""", re.IGNORECASE)
_VARIABLE = re.compile(r"""(?:Getenv|LookupEnv)\(\s*"(\w*PORT)"\s*\)""")
# A flag for an address, as `localhost:8080` or `:8080`, after what its function is given before it.
_ADDRESS_FLAG = re.compile(
    r"""String(?:Var)?P?\([^)\n"']*["'](\w*(?:addr|address|listen|bind|http))["'],\s*(?:"\w?",\s*)?"([\w.]*):(\d{2,5})\"""",
    re.IGNORECASE,
)
_GIN = re.compile(r"""\.Run\(\s*\)""")  # on the variable PORT, or on 8080
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
    """Return the server among the programs of the shallowest Go module that has one."""
    modules = facts.named("go.mod")
    for module in modules:
        top = join(parent(module), "")
        below = [join(parent(each), "") for each in modules if each != module and each.startswith(top)]
        code = {
            path: facts.read(path)
            for path in facts.ending(".go")
            if not path.endswith("_test.go") and path.startswith(top)
            and not any(path.startswith(each) for each in below)
        }  # fmt: skip
        if serving := _serving(code):
            return _go_part(module, serving, code)
    return NOTHING


def _programs(code: dict[str, str]) -> list[str]:
    mains = {path for path, text in code.items() if re.search(r"(?m)^package main\b", text) and "func main(" in text}
    return sorted({parent(path) for path in mains}, key=lambda path: (path.count("/"), path))


def _serving(code: dict[str, str]) -> list[str]:
    """Return the directories of the programs that serve something."""
    programs = _programs(code)
    serving = [place for place in programs if _listens({k: v for k, v in code.items() if parent(k) == place})]
    if not serving and any(_listens({path: text}) for path, text in code.items()):
        return programs  # the program starts a server of another package
    return serving


def _go_part(module: str, serving: list[str], code: dict[str, str]) -> Part:
    chosen, *others = serving
    rows = [Row("choice", "Go", chosen or ".", f"not {', '.join(others)}; change `run` of its window for another")]
    return Part((_go_server(parent(module), chosen, module, code),), (), tuple(rows if others else ()))


def _listens(code: dict[str, str]) -> bool:
    return any(re.search(r"ListenAndServe|http\.Server\{|net\.Listen\(|\.Run\(\"?:|\.Start\(|\.Listen\(", text)
               or _runs_gin(text) for text in code.values())  # fmt: skip


def _runs_gin(text: str) -> bool:
    return "gin-gonic/gin" in text and bool(_GIN.search(text))


def _go_server(directory: str, program: str, module: str, code: dict[str, str]) -> Server:
    """Return it with the port as its code takes it: by a flag, by a variable, or fixed."""
    inner = program.removeprefix(directory).lstrip("/")
    run = f"go run ./{inner}" if inner else "go run ."
    text = "\n".join(each for path, each in code.items() if parent(path) == program)
    programs = _programs(code)
    shared = "\n".join(each for path, each in code.items() if parent(path) not in programs)
    number = _NUMBER.search(text)
    port = int(number[1] or number[2]) if number else 8080
    health = _HEALTH.search(text) or _HEALTH.search(shared)
    page, unsure = health[1] if health else "/", ""
    if flag := _FLAG.search(text):
        run = f"{run} --{flag[1]} {{port}}"
    elif address := _ADDRESS_FLAG.search(text):
        run, port = f"{run} --{address[1]} {address[2]}:{{port}}", int(address[3])
    elif variable := _VARIABLE.search(text) or _VARIABLE.search(shared):
        run = f"{variable[1]}={{port}} {run}"
    elif _runs_gin(text):
        run = f"PORT={{port}} {run}"
    else:
        run, unsure = f"PORT={{port}} {run}", "its code shows no flag and no variable for its port"
    return Server("Go", directory, module, run, port, "backend", page, unsure)


RULES = (find_rails, find_go)
