"""The configuration for what was found, as lines of YAML with comments that say what a person should look at."""

from __future__ import annotations

import json
from collections.abc import Iterator

from develop.detection import Found
from develop.detection.values import Server


def setting_lines(found: Found, five: bool) -> Iterator[str]:
    """Yield the lines below `session:`; *five*: with ports in the windows' names, and databases of their own."""
    ports = first_ports(found)
    yield f"ports: {json.dumps(ports)}    # the first port to try, counting up; the usual one is the main checkout's"
    databases = list(found.data.databases)
    copied = [*(databases if five else []), *found.data.env_files, *found.data.others]
    yield f"copy: {json.dumps(copied)}    # each session gets its own"
    linked = [*(each.modules for each in found.packages), *([] if five else databases)]
    yield f"link: {json.dumps(linked)}    # shared; node_modules with a lock file: its own"
    yield from _values(found)
    if found.containers.file:
        yield f"compose: {json.dumps({'file': found.containers.file, 'profiles': []})}    # {{}}: no containers"
    yield _activation(found)
    yield "windows:"
    yield from _windows(found, five)


def first_ports(found: Found) -> dict[str, int]:
    """Return the port that is tried first for each key: the one after the usual, which is left to the main checkout."""
    ports: dict[str, int] = {}
    wanted = {**{each.key: each.port for each in found.servers}, **found.containers.ports}
    for key, usual in wanted.items():
        port = usual + 1
        while port in ports.values():
            port += 1
        ports[key] = port
    return ports


def _values(found: Found) -> Iterator[str]:
    if found.env:
        yield "env:    # the rest of each file is kept"
        yield from (f"  {json.dumps(file)}: {json.dumps(values)}" for file, values in found.env.items())
    else:
        key = found.servers[0].key if found.servers else "backend_port"
        yield f'env: {{}}    # file -> variables set in it, for example {{.env: {{API_URL: "http://localhost:{{{key}}}"}}}}'
    if found.variables:
        yield "variables:    # in every window; they come before what committed .env files say"
        yield from (f"  {key}: {json.dumps(value)}" for key, value in found.variables.items())
    if found.databases:
        yield "databases:    # own: made from the main checkout's; or the port of the session's container"
        yield from (f"  {json.dumps(file)}: {json.dumps(values)}" for file, values in found.databases.items())


def _activation(found: Found) -> str:
    if found.activate:
        return f"activate: {json.dumps(found.activate)}"
    return "# activate: source '{main}/.venv/bin/activate'    # default: virtualenvwrapper, .venv, Poetry or Pipenv"


def _windows(found: Found, five: bool) -> Iterator[str]:
    for server in found.servers:
        if server.unsure:
            yield f"  # Check this: {server.unsure}."
        page = "" if server.health in ("", "/") else f'    # with "health": "{server.health}" --wait asks for that page'
        yield f"  - {json.dumps(server_window(server, five))}{page}"
    for each in found.alternatives:
        window = {"name": each.what, **({"dir": each.directory} if each.directory else {}), "run": each.run}
        yield f"  # - {json.dumps(window)}    # from {each.file}{f'; {each.why}' if each.why else ''}"
    yield f"  - {json.dumps({'name': 'claude', 'claude': True})}"
    if five:
        yield f"  - {json.dumps({'name': 'shell'})}"
        django = next((each for each in found.servers if each.what == "Django"), None)
        if django:
            yield f"  - {json.dumps({'name': 'cli', 'type': f'python {django.file} '})}"


def server_window(server: Server, five: bool) -> dict[str, str]:
    """Return the window of *server*."""
    name = f"{server.name}:{{{server.key}}}" if five else server.name
    directory = {"dir": server.directory} if server.directory else {}
    return {"name": name, **directory, "run": server.command}
