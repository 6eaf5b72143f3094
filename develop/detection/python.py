"""Servers of Python: Django, FastAPI, Flask."""

from __future__ import annotations

import re

from develop.detection.facts import Facts, join, parent
from develop.detection.values import NOTHING, Part, Row, Server

_HEALTH = re.compile(r"""["'](/(?:api/)?(?:v\d+/)?(?:health|healthz|health-check|healthcheck|livez|ping)/?)["']""")
_MAKER = re.compile(r"(create|make|get|build)_(app|application)")
_LIKELY = ("main.py", "app.py", "asgi.py", "wsgi.py", "server.py", "api.py", "__init__.py")


def find_django(facts: Facts) -> Part:
    """Return the server of the shallowest manage.py."""
    files = facts.named("manage.py")
    if not files:
        return NOTHING
    first, *others = files
    directory = parent(first)
    server = Server("Django", directory, first, "python manage.py runserver {port}", 8000, "backend",
                    _health(facts, directory))  # fmt: skip
    rows = [Row("choice", "Django", first, f"not {', '.join(others)}; change `dir` of its window for another")]
    return Part((server,), (), tuple(rows if others else ()))


def find_fastapi(facts: Facts) -> Part:
    """Return the server of the FastAPI application that looks most like the main one."""
    return _application(facts, "FastAPI", "fastapi", re.compile(r"(?m)^(\w+)(?:\s*:\s*\w+)?\s*=\s*(?:\w+\.)?FastAPI\("))


def find_flask(facts: Facts) -> Part:
    """Return the server of the Flask application that looks most like the main one."""
    return _application(facts, "Flask", "flask", re.compile(r"(?m)^(\w+)(?:\s*:\s*\w+)?\s*=\s*(?:\w+\.)?Flask\("))


def _application(facts: Facts, what: str, package: str, made: re.Pattern[str]) -> Part:
    found: list[tuple[str, str]] = []
    for path in facts.ending(".py"):
        if path.rpartition("/")[2].startswith("test_") or path.rpartition("/")[2] in ("conftest.py", "manage.py"):
            continue
        code = facts.read(path)
        if what in code and (name := _name(code, what, made)) and facts.requires(parent(path), package):
            found.append((path, name))
    if not found:
        return NOTHING
    found.sort(key=lambda each: (each[0].count("/"), _rank(each[0]), each[0]))
    (path, name), *others = found
    build = _fastapi if what == "FastAPI" else _flask
    server = build(facts, path, name)
    rows = []
    if others:
        listed = ", ".join(other for other, _name in others[:3])
        rows.append(Row("choice", what, path, f"not {listed}; change `run` of its window for another"))
    return Part((server,), (), tuple(rows))


def _name(code: str, what: str, made: re.Pattern[str]) -> str:
    """Return the name of the application, or of the function that makes it, which ends in `()`; empty without."""
    if match := made.search(code):
        return match[1]
    makers = [name for name, body in _functions(code).items() if f"{what}(" in body]
    for maker in makers:
        if match := re.search(rf"(?m)^(\w+)(?:\s*:\s*\w+)?\s*=\s*{maker}\(", code):
            return match[1]
    return next((f"{name}()" for name in makers if _MAKER.fullmatch(name)), "")


def _functions(code: str) -> dict[str, str]:
    """Return the text of each function at the top of the file, by its name."""
    found, name = dict[str, str](), ""
    for line in code.splitlines():
        if match := re.match(r"(?:async )?def (\w+)\(", line):
            name = match[1]
        elif line[:1] not in ("", " ", "\t", ")"):
            name = ""
        if name:
            found[name] = f"{found.get(name, '')}{line}\n"
    return found


def _rank(path: str) -> int:
    name = path.rpartition("/")[2]
    return _LIKELY.index(name) if name in _LIKELY else len(_LIKELY)


def _module(facts: Facts, path: str) -> tuple[str, str]:
    """Return the directory to start in, and the module that *path* is from there: above the last package."""
    directory, name = parent(path), path.rpartition("/")[2].removesuffix(".py")
    parts = [] if name == "__init__" else [name]
    while directory and (facts.has(join(directory, "__init__.py")) or (not parts and name == "__init__")):
        parts.insert(0, directory.rpartition("/")[2])
        directory = parent(directory)
    # A namespace package, `app/main.py` beside pyproject.toml: its modules import each other as `app.…`.
    if directory and facts.nearest(directory, "pyproject.toml", "requirements.txt") and len(parts) == 1:
        above, package = parent(directory), directory.rpartition("/")[2]
        is_root = facts.has(join(directory, "pyproject.toml")) or facts.has(join(directory, "requirements.txt"))
        if not is_root and re.search(rf"(?m)^\s*(from|import) {re.escape(package)}\b", facts.read(path)):
            return above, f"{package}.{parts[0]}"
    return directory, ".".join(parts)


def _fastapi(facts: Facts, path: str, name: str) -> Server:
    directory, module = _module(facts, path)
    file = facts.requires(directory, "fastapi")
    factory = " --factory" if name.endswith("()") else ""
    run = f"uvicorn {module}:{name.removesuffix('()')}{factory} --reload --port {{port}}"
    unsure, place = "", directory
    own = re.search(r"fastapi(\[[^\]]*(standard|all)[^\]]*\]|-cli)", facts.read(file))
    if own and not factory:
        run = f"fastapi dev {path.removeprefix(join(place, '')) if place else path} --port {{port}}"
    elif not facts.requires(directory, "uvicorn"):
        unsure = f"{file} doesn't name uvicorn"
    return Server("FastAPI", place, path, run, 8000, "backend", _health(facts, directory), unsure)


def _flask(facts: Facts, path: str, name: str) -> Server:
    directory, module = _module(facts, path)
    application = module if name in ("app", "application", "create_app()", "make_app()") else f"{module}:{name}"
    settings = facts.read(join(directory, ".flaskenv"))
    if not directory.endswith("src") and re.search(r"(?m)^\s*(export )?FLASK_APP=", settings):
        return Server(
            "Flask", directory, join(directory, ".flaskenv"), "flask run --debug --port {port}", 5000, "backend"
        )
    run = f"flask --app {application} run --debug --port {{port}}"
    return Server("Flask", directory, path, run, 5000, "backend", _health(facts, directory))


def _health(facts: Facts, directory: str) -> str:
    """Return the address of a health check that the code in *directory* names, else the first page."""
    for path in facts.ending(".py"):
        code = facts.read(path) if path.startswith(join(directory, "")) else ""
        for match in _HEALTH.finditer(code):
            if not _is_below(code[: match.start()].splitlines()[-1:], code):
                return match[1]
    return "/"


def _is_below(line: list[str], code: str) -> bool:
    """Return whether the route in *line* is one of a router or blueprint, whose own address isn't known here."""
    owner = re.search(r"@(\w+)\.\w+\(\s*$", line[0]) if line else None
    return bool(owner and re.search(rf"(?m)^{owner[1]}\b[^=\n]*=\s*\w*(?:Router|Blueprint)\(", code))


RULES = (find_django, find_fastapi, find_flask)
