"""Servers of Node.js: a table of frameworks, each known by the program that its script runs."""

from __future__ import annotations

import fnmatch
import re
from typing import NamedTuple

from develop.detection import managers
from develop.detection.facts import Facts, join, parent
from develop.detection.values import Alternative, Part, Row, Server


class Framework(NamedTuple):
    """A server that *program* (a pattern) starts; how it is told its port, and the one that it has otherwise."""

    what: str
    program: str
    option: str  # empty: by the variable PORT
    port: int
    needs: str = ""  # a dependency that tells it from another framework with the same program
    kind: str = "frontend"


_FRAMEWORKS = (
    Framework("SvelteKit", r"vite( dev)?", "--port", 5173, "@sveltejs/kit"),
    Framework("TanStack Start", r"vite( dev)?", "--port", 5173, "@tanstack/react-start"),
    Framework("React Router", r"react-router dev", "--port", 5173),
    Framework("Remix", r"remix vite:dev", "--port", 5173),
    Framework("Next.js", r"next( dev)?", "--port", 3000),
    Framework("Nuxt", r"nuxi? dev|nuxt dev", "--port", 3000),
    Framework("Astro", r"astro( dev)?", "--port", 4321),
    Framework("Angular", r"ng (serve|s|start)", "--port", 4200),
    Framework("Vite", r"vite( dev| serve)?", "--port", 5173),
    Framework("Create React App", r"(react-scripts|craco|react-app-rewired) start", "", 3000),
    Framework("Vue CLI", r"vue-cli-service serve", "--port", 8080),
    Framework("Gatsby", r"gatsby develop", "--port", 8000),
    Framework("Docusaurus", r"docusaurus start", "--port", 3000),
    Framework("VitePress", r"vitepress( dev)?", "--port", 5173),
    Framework("Rsbuild", r"rsbuild( dev)?", "--port", 3000),
    Framework("webpack", r"webpack(-dev-server| serve)", "--port", 8080),
    Framework("Parcel", r"parcel( serve)?", "--port", 1234),
    Framework("Wrangler", r"wrangler( pages)? dev", "--port", 8787, kind="backend"),
    Framework("NestJS", r"nest start", "", 3000, kind="backend"),
)
_SCRIPTS = ("dev", "develop", "start:dev", "serve", "start")
_TAKES_PORT = {"Next.js", "Nuxt", "Create React App", "NestJS"}  # those that also read the variable PORT
_SEVERAL = re.compile(r"\b(concurrently|npm-run-all2?|run-p|turbo|nx|lerna|wireit|foreman)\b|\s--filter\b|\s-r\b")
_NO_SERVER = r"(?!\s+(?:build|preview|export|lint|start)\b)"
_ENDS = re.compile(r"&&|\|\||[;&|]")
_FIXED = re.compile(r"(?:--port|-p)[ =](\d+)")
_BUILDS = re.compile(r"\b(tsc|tsup|rollup|esbuild|unbuild|swc|babel|storybook|tsdown|microbundle)\b|--watch\b")
_NODE = re.compile(r"\b(node|nodemon|tsx|ts-node|ts-node-dev|bun)\b")


def find_node(facts: Facts) -> Part:
    """Return the servers that package.json files start, one for each directory."""
    servers: list[Server] = []
    others: list[Alternative] = []
    rows: list[Row] = []
    for path in facts.named("package.json"):
        directory, content = parent(path), facts.read_json(path)
        script, text, left = _script(content)
        if not script:
            continue
        manager = managers.node_packages(facts, directory).manager
        if server := _server(facts, path, content, script, text, manager):
            servers.append(server._replace(unsure=server.unsure or left))
        elif script == "dev" and _SEVERAL.search(text):
            run = managers.run_script(manager, script, "")
            others.append(Alternative("all apps at once", directory, path, run, "its servers have fixed ports"))
        elif script == "dev" and not _BUILDS.search(text):
            rows.append(
                Row("unsure", "script dev", path, f"starts no server that is known, so it has no window: {text[:60]}")
            )
    return Part(tuple(servers), tuple(others), tuple(rows))


def _script(content: dict[str, object]) -> tuple[str, str, str]:
    """Return the script that starts the server for a developer, its text, and what it leaves out of another one."""
    scripts = content.get("scripts")
    if not isinstance(scripts, dict):
        return "", "", ""
    known = {name: str(scripts[name]) for name in _SCRIPTS if scripts.get(name)}
    for name, text in known.items():
        for called in (name, *_called(scripts, text)):
            if _framework(content, str(scripts[called])):
                others = [each for each in _called(scripts, text) if each != called] if called != name else []
                left = f"the script `{name}` also runs {', '.join(others)}, without a window here" if others else ""
                return called, str(scripts[called]), left
    name, text = next(iter(known.items()), ("", ""))
    return name, text, ""


def _called(scripts: dict[str, object], text: str) -> list[str]:
    """Return the scripts that the script *text* runs by their names or patterns: `run-p db dev:*`, `npm run web`."""
    if several := re.search(r"\b(?:run-[ps]|npm-run-all2?)\b(.*)", text):
        words = [word for word in several[1].split() if re.fullmatch(r"[\w:*-]+", word) and word[0] != "-"]
    else:
        words = re.findall(r"(?:npm:|\b(?:npm run|pnpm(?: run)?|yarn(?: run)?|bun run) )([\w:*-]+)", text)
    return [name for word in words for name in scripts if fnmatch.fnmatch(name, word)]


def _framework(content: dict[str, object], text: str) -> Framework | None:
    dependencies: set[str] = set()
    for key in ("dependencies", "devDependencies"):
        found = content.get(key)
        dependencies |= set(found) if isinstance(found, dict) else set()
    for each in _FRAMEWORKS:
        if each.needs and each.needs not in dependencies:
            continue
        if re.search(rf"(?:^|[\s/\"'])(?:{each.program})(?=$|[\s\"']){_NO_SERVER}", text):
            return each
    return None


def _server(
    facts: Facts, path: str, content: dict[str, object], script: str, text: str, manager: str
) -> Server | None:  # fmt: skip
    found = _framework(content, text)
    if found is None:
        return _plain_node(facts, path, script, text, manager)
    fixed = _FIXED.search(text)
    port = int(fixed[1]) if fixed and len(fixed[1]) < 5 else found.port
    run, unsure = _command(found, script, text, manager)
    return Server(found.what, parent(path), path, run, port, found.kind, unsure=unsure)


def _command(found: Framework, script: str, text: str, manager: str) -> tuple[str, str]:
    """Return what runs the server on `{port}`, and why a person should look at it."""
    last = _ENDS.split(text)[-1]
    direct = not _SEVERAL.search(text) and re.search(found.program, last)
    if not found.option:
        return f"PORT={{port}} {managers.run_script(manager, script, '')}", ""
    if direct and _FIXED.search(last) and found.what not in ("Vite", "SvelteKit", "Next.js"):
        line = _FIXED.sub(f"{found.option} {{port}}", last.strip())
        return managers.run_program(manager, line), ""  # given twice, some take both
    if direct:
        return managers.run_script(manager, script, f"{found.option} {{port}}"), ""
    if found.what in _TAKES_PORT and not _FIXED.search(text):
        command = f"PORT={{port}} {managers.run_script(manager, script, '')}"
        return command, f"the script `{script}` starts more than one program"
    program = re.search(rf"(?:{found.program})(?=$|[\s\"'])", text)
    line = f"{program[0] if program else found.what.lower()} {found.option} {{port}}"
    return managers.run_program(manager, line), f"the script `{script}` starts more than this server"


def _plain_node(facts: Facts, path: str, script: str, text: str, manager: str) -> Server | None:
    """Return a server of Node's own whose code reads the variable PORT; None where nothing shows one."""
    if not _NODE.search(text) or _SEVERAL.search(text):
        return None
    directory = parent(path)
    files = [each for each in facts.own if each.startswith(join(directory, "")) and re.search(r"\.[cm]?[jt]s$", each)]
    near = [each for each in files if each.count("/") <= directory.count("/") + 3 and "node_modules" not in each]
    for each in sorted(near, key=lambda each: (each.count("/"), each))[:200]:
        code = facts.read(each)
        if not re.search(r"\.listen\(|\bserve\(|Bun\.serve", code):
            continue
        default = re.search(r"env(?:\.PORT|\[['\"]PORT['\"]\])\s*(?:\|\||\?\?)\s*['\"]?(\d+)", code)
        reads = "env.PORT" in code or "PORT" in code
        unsure = "" if default else f"{each} listens, but doesn't show how it reads its port" if not reads else ""
        run = f"PORT={{port}} {managers.run_script(manager, script, '')}"
        return Server("Node.js", directory, path, run, int(default[1]) if default else 3000, "backend", unsure=unsure)
    return None
