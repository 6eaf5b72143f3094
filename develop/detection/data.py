"""Databases, `.env` files, and the addresses in them. Of a value only what is an address is looked at."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from develop.detection.facts import Facts, join, parent
from develop.detection.values import Row, Server

_HEADER = b"SQLite format 3\0"
_ENV = re.compile(r"\.env(\.[\w.-]+)?|\.dev\.vars|\.flaskenv")
_NO_ENV = re.compile(r"\.(example|sample|template|dist|defaults?|tpl|session|bak|enc|age|vault)$")
# Other files that git often ignores, and without which a server does not start.
_LOCAL_FILES = re.compile(r"(^|/)(config/(master\.key|database\.yml)|local_settings\.py|settings/local\.py)$")
_ADDRESS = re.compile(r"(?:https?|wss?)://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|[\w-]+\.localhost):(\d+)(?:/[\w./-]*)?")
_LIST = re.compile(rf"""\[?["']?{_ADDRESS.pattern}(?:["']?[,; ]+["']?{_ADDRESS.pattern})*["']?\]?""")
_URL = re.compile(r"(?P<kind>postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqp)(?:\+\w+)?://\S+")
_KINDS = {"postgres": "Postgres", "postgresql": "Postgres", "mysql": "MySQL", "mariadb": "MariaDB",
          "mongodb": "MongoDB", "redis": "Redis", "rediss": "Redis", "amqp": "RabbitMQ"}  # fmt: skip
_MEANS_BACKEND = re.compile("API|BACKEND|SERVER|GRAPHQL|BASE_URL", re.IGNORECASE)
_USUAL = {"Postgres": 5432, "MySQL": 3306, "MariaDB": 3306, "MongoDB": 27017, "Redis": 6379, "RabbitMQ": 5672}
_HERE = ("localhost", "127.0.0.1", "::1", "")


class Database(NamedTuple):
    """A database that the *variable* in *file* names: its *kind* and where it is, nothing of who may use it."""

    file: str
    variable: str
    kind: str
    local: bool
    port: int
    name: str
    public: str = ""  # the whole value, where it is committed


class Data(NamedTuple):
    """The files that a session gets copies of, the addresses in them, and the databases that they name."""

    databases: tuple[str, ...]  # SQLite files
    env_files: tuple[str, ...]  # that git ignores
    others: tuple[str, ...]  # ignored files that a server needs
    addresses: Mapping[str, Mapping[str, str]]  # file -> variable -> an address on this machine, or a port
    committed: tuple[str, ...]  # .env files that are committed
    named: tuple[Database, ...]
    rows: tuple[Row, ...]


def find_data(facts: Facts) -> Data:
    """Return the data files of the repository."""
    hidden = list(dict.fromkeys(facts.hidden_files()))
    databases = tuple(sorted(path for path in {*hidden, *facts.loose} if _is_sqlite(facts, path)))
    env_files = tuple(sorted(path for path in hidden if _is_env(path)))
    committed = tuple(path for path in facts.own if _is_env(path) and path not in env_files)
    values = {path: _values(facts, path, path in committed) for path in (*env_files, *committed)}
    addresses = {path: found for path, each in values.items() if (found := _addresses(each))}
    named = tuple(database for path, each in values.items() for database in _named(path, each, path in committed))
    others = tuple(sorted(path for path in hidden if _LOCAL_FILES.search(path)))
    rows = [*_file_rows(facts, databases, env_files, committed, addresses), *_missing_env(facts)]
    return Data(databases, env_files, others, addresses, committed, named, tuple(rows))


def _is_env(path: str) -> bool:
    name = path.rpartition("/")[2]
    return bool(_ENV.fullmatch(name)) and not _NO_ENV.search(name)


def _is_sqlite(facts: Facts, path: str) -> bool:
    """Return whether *path* is a SQLite database by its first bytes; one that is empty, by its name."""
    try:
        file = facts.top / path
        if not file.is_file() or file.is_symlink():
            return False
        with file.open("rb") as opened:
            begin = opened.read(len(_HEADER))
    except OSError:
        return False
    return begin == _HEADER or (not begin and bool(re.search(r"\.(sqlite3?|db)$", path)))


def _values(facts: Facts, path: str, committed: bool) -> dict[str, str]:
    """Return what the file *path* sets; values in committed files are no secret, and name each other."""
    from dotenv import dotenv_values

    found = dotenv_values(stream=io.StringIO(facts.read(path)), interpolate=committed)
    return {key: value for key, value in found.items() if value}


def _addresses(values: Mapping[str, str]) -> dict[str, str]:
    def is_port(key: str, value: str) -> bool:
        return key.upper().endswith("PORT") and bool(re.fullmatch(r"\d{2,5}", value))

    return {key: value for key, value in values.items() if _LIST.fullmatch(value) or is_port(key, value)}


def _named(path: str, values: Mapping[str, str], committed: bool) -> Iterator[Database]:
    for key, value in values.items():
        if match := _URL.fullmatch(value):
            kind = _KINDS[match["kind"]]
            try:
                parts = urlsplit(value)
                port = parts.port or _USUAL[kind]
            except ValueError:
                continue
            here, name = (parts.hostname or "") in _HERE, parts.path.strip("/")
            yield Database(path, key, kind, here, port, name, value if committed else "")


def _file_rows(
    facts: Facts, databases: Sequence[str], env_files: Sequence[str], committed: Sequence[str],
    addresses: Mapping[str, object],
) -> Iterator[Row]:  # fmt: skip
    for path in databases:
        yield Row("found", "SQLite", path, "each session gets its own copy")
    for path in facts.tracked:
        if re.search(r"\.(sqlite3?|db)$", path) and _is_sqlite(facts, path):
            yield Row("found", "SQLite", path, "committed: each branch has it")
    for path in env_files:
        yield Row("found", "variables", path, "each session gets its own copy")
    for path in committed:
        said = "committed, so not edited: its addresses are set as variables instead"
        yield Row("found", "variables", path, said if addresses.get(path) else "committed: each branch has it")


def _missing_env(facts: Facts) -> Iterator[Row]:
    for path in facts.own:
        directory, name = parent(path), path.rpartition("/")[2]
        if not re.fullmatch(r"\.env\.(example|sample|template|dist)", name):
            continue
        if not (facts.has(join(directory, ".env")) or facts.has(join(directory, ".env.local"))):
            yield Row(
                "missing",
                join(directory, ".env"),
                path,
                f"make it in the main checkout: cp {path} {join(directory, '.env')}",
            )


def session_values(
    data: Data, servers: Sequence[Server], published: Mapping[int, str]
) -> tuple[dict[str, dict[str, str]], dict[str, str], list[Row]]:
    """Return the addresses with the session's ports: by file, as variables for committed files, and what to say.

    *published* are the ports of containers, each with the name that it has in the configuration.
    """
    env: dict[str, dict[str, str]] = {}
    variables: dict[str, str] = {}
    rows: list[Row] = []
    for file, values in data.addresses.items():
        for key, value in values.items():
            new = _with_session_ports(file, key, value, servers, published)
            if new == value:
                continue
            if file in data.committed:
                if variables.setdefault(key, new) != new:
                    rows.append(Row("unsure", key, file, "is in two committed files with different ports: set by hand"))
            else:
                env.setdefault(file, {})[key] = new
    return env, variables, rows


def _with_session_ports(
    file: str, name: str, value: str, servers: Sequence[Server], published: Mapping[int, str]
) -> str:
    known = {**published, **{each.port: each.key for each in reversed(servers)}}
    backends = [each for each in servers if each.kind == "backend"]
    if re.fullmatch(r"\d+", value):
        return f"{{{known[int(value)]}}}" if int(value) in known else value

    def replaced(match: re.Match[str]) -> str:
        key = known.get(int(match[1]), "")
        if not key and len(backends) == 1 and _MEANS_BACKEND.search(name) and not _beside(file, backends[0]):
            key = backends[0].key
        return match[0].replace(f":{match[1]}", f":{{{key}}}", 1) if key else match[0]

    return _ADDRESS.sub(replaced, value)


_READS_ENV = ("python-dotenv", "django-environ", "environs", "python-decouple", "pydantic-settings")


def procfile_variables(
    facts: Facts, data: Data, servers: Sequence[Server]
) -> tuple[dict[str, str], list[Row]]:  # fmt: skip
    """Return what the committed .env beside a Procfile sets, where only `heroku local` or foreman would read it."""
    alone = [each for each in servers if each.is_python and not each.directory]
    if not alone or "Procfile" not in facts.own or ".env" not in data.committed:
        return {}, []
    if any(facts.requires("", name) for name in _READS_ENV):
        return {}, []
    values = _values(facts, ".env", True)
    remark = "read for the Procfile alone (heroku local, foreman), so each window gets its variables"
    kept = {key: value.replace("{", "{{").replace("}", "}}") for key, value in values.items()}
    return kept, [Row("found", "variables", ".env", remark)] if kept else []


def _beside(file: str, server: Server) -> bool:
    return bool(server.directory) and parent(file) == server.directory


def database_rows(
    data: Data, published: Mapping[int, str]
) -> tuple[dict[str, dict[str, str]], dict[str, str], list[Row]]:
    """Return what is set of the databases that files name: in the files, as variables, and what to say of each."""
    settings: dict[str, dict[str, str]] = {}
    variables: dict[str, str] = {}
    rows: list[Row] = []
    for each in data.named:
        where, state, remark = f"{each.file}: {each.variable}", "found", ""
        if not each.local:
            remark = "on another machine, shared by all sessions"
        elif each.public and each.port in published:
            there = each.public.replace("{", "{{").replace("}", "}}")
            variables[each.variable] = re.sub(rf":{each.port}(?=/|$|\?)", f":{{{published[each.port]}}}", there)
            remark = "the session's own container, by a variable"
        elif each.public:
            remark = "shared by all sessions: the file is committed, so set your own in `variables`"
        elif each.port in published:
            settings.setdefault(each.file, {})[each.variable] = f"{{{published[each.port]}}}"
            remark = "the session's own container"
        elif each.kind == "Postgres" and each.name:
            settings.setdefault(each.file, {})[each.variable] = "own"
            remark = f"each session gets its own, made from {each.name}; to share it, leave it out of `databases`"
        else:
            state, remark = "unsure", "shared by all sessions: what one changes, all see"
        rows.append(Row(state, each.kind, where, remark))
    return settings, variables, rows


_TARGET = re.compile(r"""["'`]((?:https?|wss?)://(?:localhost|127\.0\.0\.1):(\d+))""")
_CONFIGURATIONS = re.compile(
    r"(vite|next|nuxt|astro|svelte)\.config\.[cm]?[jt]s$|proxy\.conf\.(json|[cm]?js)$|(^|/)setupProxy\.js$"
)


def fixed_addresses(facts: Facts, servers: Sequence[Server]) -> tuple[dict[str, str], list[Row]]:
    """Return the variables for addresses in configurations in code, and what to say of those that have none."""
    ports = {each.port: each for each in servers if each.kind == "backend"}
    variables: dict[str, str] = {}
    rows: list[Row] = []
    for path in facts.own:
        code = facts.read(path) if _CONFIGURATIONS.search(path) else ""
        for address, port in dict.fromkeys(_TARGET.findall(code)):
            if int(port) not in ports:
                continue
            server = ports[int(port)]
            if variable := _variable_for(code, address):
                variables[variable] = address.replace(f":{port}", f":{{{server.key}}}")
                rows.append(Row("found", address, path, f"{server.what}'s: the variable {variable} has the session's"))
            else:
                remark = f"is the main checkout's {server.what}: read its port from process.env.{server.key.upper()}"
                rows.append(Row("unsure", address, path, f"{remark}, which each window has"))
    return variables, rows


def _variable_for(code: str, address: str) -> str:
    """Return the variable that *code* reads in the place of *address*; empty without one."""
    quoted = rf"[\"'`]{re.escape(address)}"
    if match := re.search(rf"\benv\.(\w+)\s*(?:\|\||\?\?)\s*{quoted}", code):
        return match[1]
    if (match := re.search(rf"\blet\s+(\w+)\s*=\s*{quoted}", code)) and (
        again := re.search(rf"\b{match[1]}\s*=\s*process\.env\.(\w+)", code)
    ):
        return again[1]
    return ""
