"""The parts of a session that the configuration decides."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ..claude import launch
from ..config.placeholders import expand_placeholders
from ..config.settings import Settings
from ..errors import SessionError, quote_text, suggest_name
from ..model import DEFAULT_CONFIG, Agent, Repository, Request, Session, Window, port_environment
from ..store import names
from ..system import activation, reading, rooted
from ..system.patterns import late_pattern
from ..tools import git, worktrees

_WORD = late_pattern(r"[A-Za-z0-9][A-Za-z0-9_.,/-]*")  # they become part of the commands that windows run
_UNPRINTED = late_pattern("[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")


def check_assignment(request: Request, settings: Settings) -> None:
    """Raise `SessionError` for what cannot be asked for, before anything is looked at."""
    for option, value in (("--component", request.component), ("--profile", request.profile)):
        if value and not _WORD.fullmatch(value):
            form = "Use letters, digits and - _ . , / and start with a letter or digit"
            raise SessionError(f"Invalid {option}: {quote_text(value)}. {form}, for example {option} test.")
    _scope(settings, request.component)
    for option, value in (("--issue", request.issue), ("--eta", request.eta)):
        if value and (_UNPRINTED.search(value) or "<!--" in value):
            raise SessionError(f"{option} must be one line of text without <!--, not {quote_text(value)}.")
    if request.template and not settings.work_log:
        raise SessionError("--template is for the work log, which is off. Turn it on with the setting work_log.")
    if request.template and request.template not in settings.work_log["templates"]:
        templates = ", ".join(settings.work_log["templates"])
        raise SessionError(
            f"No template {quote_text(request.template)} in the setting work_log.templates. Known: {templates}"
        )


def decide_assignment(
    request: Request, settings: Settings, facts: Mapping[str, str], created: datetime
) -> dict[str, Any]:
    """Return what the session is for, and its entry in the work log in two parts: before and after the status."""
    wishes: dict[str, Any] = {"component": request.component, "profile": request.profile}
    wishes |= {"issue": request.issue, "eta": request.eta}
    if not settings.work_log:
        return wishes
    templates = settings.work_log["templates"]
    fitting = (request.component, "component") if request.component else ()
    name = request.template or next((each for each in (*fitting, *templates) if each in templates), "")
    more = {"issue": request.issue, "eta": request.eta, "started": f"{created:%Y-%m-%d %H:%M}", "status": "\0"}
    more |= {"paths": ", ".join(f"`{path}`" for path in settings.components.get(request.component, ()))}
    text = _filled(templates[name], {**facts, **more}, f"work_log.templates.{name}")
    before, _, after = text.partition("\0")
    return {**wishes, "work_log": {"file": settings.work_log["file"], "before": before, "after": after}}


def _filled(template: str, facts: Mapping[str, str], key: str) -> str:
    """Return *template* without the lines whose placeholders have no value."""
    lines = []
    for line in template.split("\n"):
        named = [fact for fact in facts if f"{{{fact}}}" in line]
        if not named or any(facts[fact] for fact in named):
            lines.append(expand_placeholders(line, facts, key))
    return "\n".join(lines)


Expand = Callable[[str, str], str]


def project_name(settings: Settings, repository: Repository) -> str:
    """Return the project's name: as configured, else the main checkout's directory."""
    return settings.project or repository.main.name


def decide_contents(
    settings: Settings, facts: Mapping[str, str], ports: Mapping[str, int], repository: Repository
) -> dict[str, Any]:
    """Return the parts of a session that the configuration alone decides."""

    def filled(text: str, key: str) -> str:
        return expand_placeholders(text, facts, key)

    host = _host(settings, facts)
    facts = {**facts, "host": host or "localhost"}
    configured = settings.activate
    default = activation.default_activation(repository.main, facts["project"]) if configured is None else ""
    activate = default or filled(configured or "", "activate").strip()
    variables = _variables(settings, filled)
    if "COMPOSE_PROJECT_NAME" in variables:
        variables["COMPOSE_PROJECT_NAME"] = as_compose_takes(variables["COMPOSE_PROJECT_NAME"])
    own = _env_files(settings, variables, ports, filled)
    env = {file: {k: filled(v, f"env.{file}.{k}") for k, v in vs.items()} for file, vs in settings.env.items()}
    return {
        "copy": _copies(settings, repository, Path(facts["worktree"])), "link": tuple(settings.link),
        "host": host, "activate": activate, "python_path": _python_path(activate, variables, repository),
        "env": {file: {**own.get(file, {}), **env.get(file, {})} for file in (*own, *env)},
        "env_files": tuple(own), "variables": variables,
        "databases": _databases(settings, facts, filled, repository), "thin": tuple(settings.thin),
        **_commands(settings, filled),
        "windows": _windows(settings, filled), "scope": _scope(settings, facts["component"]),
        "agent": _agent(settings, facts, ports, filled),
    }  # fmt: skip


def _copies(settings: Settings, repository: Repository, worktree: Path) -> tuple[str, ...]:
    if (repository.main / ".worktreeinclude").exists() or re.search(r"[*?\[]", "".join(settings.copy)):
        from . import copied_files

        return (*copied_files.expand_patterns(settings.copy, repository, worktree), *_hooks(repository))
    return (*settings.copy, *_hooks(repository))


def _hooks(repository: Repository) -> tuple[str, ...]:
    """Return the directory of git's hooks if each checkout has its own, as `.husky/_`: git ignores one that is missing.

    A tracked one is in the worktree already.
    """
    try:
        if b"hookspath" not in reading.read_bytes(repository.common / "config").lower():
            return ()
    except FileNotFoundError:
        return ()
    path = git.read_git(repository.main, "config", "--local", "--get", "core.hooksPath", check=False).strip()
    path = os.path.normpath(path) if path and not path.startswith("~") else ""
    return (path,) if path not in ("", ".") and rooted.is_inside(path) and (repository.main / path).is_dir() else ()


def _commands(settings: Settings, filled: Expand) -> dict[str, tuple[str, ...]]:
    lists = {"setup": settings.setup, "teardown": settings.teardown, "verify": settings.verify}
    return {key: tuple(filled(each, f"{key}[{i}]") for i, each in enumerate(own)) for key, own in lists.items()}


_HOST = late_pattern(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def _host(settings: Settings, facts: Mapping[str, str]) -> str:
    """Return the host name: in small letters and without `_`, as Django and browsers want it."""
    parts = {fact: value.replace("_", "-").replace("/", "-").strip("-") for fact, value in facts.items()}
    host = expand_placeholders(settings.host, parts, "host").lower().strip(".")
    if host and not _HOST.fullmatch(host):
        raise SessionError(f"session.host: {host!r} is not a host name. Expected for example: {{slug}}.localhost")
    return host


def _python_path(activate: str, variables: Mapping[str, str], repository: Repository) -> tuple[str, ...]:
    """Return the directories, relative to the worktree, that have what the environment imports from a checkout."""
    environment = activation.find_environment(activate)
    if environment is None or "PYTHONPATH" in variables:
        return ()
    from ..system import editable

    checkouts = worktrees.list_checkouts(repository)
    return editable.own_roots(environment, checkouts)


def _databases(
    settings: Settings, facts: Mapping[str, str], filled: Expand, repository: Repository
) -> dict[str, dict[str, str]]:  # fmt: skip
    """Return the port, or the name of the session's own database, of each variable whose address is known."""
    if not settings.databases:
        return {}
    from ..system import database_urls

    decided: dict[str, dict[str, str]] = {}
    for file, wishes in settings.databases.items():
        addresses = database_urls.read_addresses(repository.main / file)
        for variable, wish in wishes.items():
            own = filled(wish, f"databases.{file}.{variable}")
            if own == "own":
                own = database_urls.own_name(addresses.get(variable, ""), facts["slug"])
            elif not own.isdigit():
                key = f"session.databases.{file}.{variable}"
                raise SessionError(f"{key} must be own, or a port like {{db_port}}, not {quote_text(wish)}.")
            if own:
                decided.setdefault(file, {})[variable] = own
    return decided


def _scope(settings: Settings, component: str) -> tuple[str, ...]:
    if not component:
        return ()
    from ..config import components

    return components.component_scope(component, settings.components)


def as_compose_takes(name: str) -> str:
    """A project of Docker Compose has no capitals, and - and _ only after its first letter or digit."""
    return names.slug_of(name).lower().lstrip("-_")


def tmux_name(project: str, slug: str) -> str:
    """Return the name of the tmux session of the session *slug*."""
    return f"{names.slug_of(project)}-{slug}"


def worktree_path(settings: Settings, facts: Mapping[str, str], repository: Repository) -> Path:
    """Return where the worktree of a session is to be, as git and every program in it will call it."""
    configured = Path(expand_placeholders(settings.worktree, facts, "worktree")).expanduser()
    path = Path(os.path.normpath(repository.main / configured))
    return path.parent.resolve() / path.name


def _env_files(
    settings: Settings, variables: Mapping[str, str], ports: Mapping[str, int], filled: Expand
) -> dict[str, dict[str, str]]:
    """Return the variables in each file that is wholly ours: that of the worktree, then those of its apps."""
    if not settings.env_file:
        return {}
    everything = port_environment(ports, variables)
    references = {**{key: str(port) for key, port in ports.items()}, **everything}
    files = {settings.env_file: everything}
    for app, values in settings.app_env.items():
        own = {k: _replaced(filled(v, f"app_env.{app}.{k}"), references) for k, v in values.items()}
        number = {key: value for key, value in variables.items() if key == "SESSION_ID"}
        file = str(Path(app) / Path(settings.env_file).name)
        files[file] = {**files.get(file, number), **own}
    return files


def _replaced(text: str, values: Mapping[str, str]) -> str:
    """Return *text* with each `${VARIABLE}` that is one of *values* replaced; others are somebody else's to replace."""
    return re.sub(r"\$\{(\w+)\}", lambda match: values.get(match[1], match[0]), text)


def _variables(settings: Settings, filled: Expand) -> dict[str, str]:
    """Return the variables, without those whose placeholder has no value, such as {profile} without --profile."""
    values = {key: filled(text, f"variables.{key}") for key, text in settings.variables.items()}
    return {key: value for key, value in values.items() if value or not settings.variables[key]}


def _agent(settings: Settings, facts: Mapping[str, str], ports: Mapping[str, int], filled: Expand) -> Agent:
    if facts.get("agent"):
        return _other_agent(settings, facts, filled)
    options = settings.claude
    quoted = {fact: shlex.quote(value) for fact, value in facts.items()}  # a shell runs it
    launch.check_note(options["note"], ports)
    return Agent(
        command=os.path.expanduser(filled(options["command"], "claude.command")),
        args=tuple(filled(word, f"claude.args[{index}]") for index, word in enumerate(options["args"])),
        note=options["note"],
        notify=expand_placeholders(
            options["notify"], {**quoted, "state": "{state}", "what": "{what}"}, "claude.notify"
        ),
        config=_config_directory(),
    )


def _other_agent(settings: Settings, facts: Mapping[str, str], filled: Expand) -> Agent:
    """Return the assistant of *facts* in the setting agents. Raises `SessionError` for an unknown one."""
    name = facts["agent"]
    if name not in settings.agents:
        known, hint = ", ".join(settings.agents), suggest_name(name, settings.agents)
        raise SessionError(f"No agent {name!r} in the setting agents.{hint} Known: {known}")
    options = settings.agents[name]
    words: dict[str, Any] = {key: tuple(options.get(key, ())) for key in ("begin", "resume", "fork", "prompt")}
    quoted = {**{fact: shlex.quote(value) for fact, value in facts.items()}, "id": "{id}"}  # a shell runs them
    ways: dict[str, Any] = {
        "find": expand_placeholders(options.get("find", ""), quoted, f"agents.{name}.find"),
        "state": _state_way(options.get("state", ""), quoted, filled, f"agents.{name}.state"),
    }
    args = (filled(word, f"agents.{name}.args[{index}]") for index, word in enumerate(options.get("args", ())))
    command = os.path.expanduser(filled(options["command"], f"agents.{name}.command"))
    return Agent(command=command, args=tuple(args), config=_config_directory(), name=name, **words, **ways)


def _state_way(given: str, quoted: Mapping[str, str], filled: Expand, key: str) -> str:
    """Return how a state is known: a path is a file, or a pattern of files; anything else a shell runs."""
    is_file = given.startswith(("/", "~/", "{worktree}/", "{main}/")) and len(given.split()) == 1
    return f"file:{filled(given, key)}" if is_file else expand_placeholders(given, quoted, key)


def _config_directory() -> str:
    return os.path.abspath(os.path.expanduser(os.environ.get("CLAUDE_CONFIG_DIR") or DEFAULT_CONFIG))


def _windows(settings: Settings, filled: Expand) -> tuple[Window, ...]:
    """Return the configured windows; one that is divided as its panes, each of which has a name of its own."""
    windows: list[Window] = []
    for index, table in enumerate(settings.windows):
        key = f"windows[{index}]"
        whole = _window(table, key, filled)
        panes = [_window(each, f"{key}.panes[{at}]", filled, whole) for at, each in enumerate(table.get("panes", ()))]
        for number, window in enumerate(panes or [whole], 1):
            windows.append(window if window.name else window._replace(name=f"{whole.name}.{number}"))
            _refuse_repeated(windows, key)
    return tuple(windows)


def _window(table: Mapping[str, Any], key: str, filled: Expand, around: Window | None = None) -> Window:
    """Return the window of a *table*, or the pane of the window *around* it, which says what the table doesn't."""
    words = ("name", "dir", "run", "type", "needs", "start", "health", "layout")
    texts = {word: filled(table.get(word, ""), f"{key}.{word}") for word in words}
    window = Window(
        name=texts["name"], directory="" if texts["dir"] == "." else texts["dir"], run=texts["run"],
        type=texts["type"], claude=bool(table.get("claude")), needs=texts["needs"], start=texts["start"],
        health=texts["health"], layout=texts["layout"],
    )  # fmt: skip
    if around is None:
        return window
    if "dir" not in table:
        window = window._replace(directory=around.directory, needs=window.needs or around.needs)
    start = around.start if window.run and "start" not in table else window.start
    return window._replace(start=start, window=around.name, layout=around.layout)


def _refuse_repeated(windows: Sequence[Window], key: str) -> None:
    """Raise `SessionError` when the last of *windows* has the name of another, or a second conversation."""
    *others, last = windows
    titles = {other.title for other in others if other.window != last.window or not last.window}
    if last.name in {other.name for other in others} or {last.name, last.title} & titles or "|" in last.name:
        raise SessionError(f"session.{key}.name: {quote_text(last.name)} is used twice, or contains '|'.")
    if last.claude and any(other.claude for other in others):
        raise SessionError(
            f"session.{key}.claude: another window already has `claude: true`. A session has one conversation."
        )


def complete_row(settings: Settings, name: str, where: dict[str, Any], repository: Repository) -> Session:
    """Return the session of an older tool's row: what that does not say follows from the *settings* of today."""
    slug, called = names.slug_of(name), project_name(settings, repository)
    numbers = {key: str(port) for key, port in where["ports"].items()}
    facts = {"name": name, "slug": slug, "project": called, "main": str(repository.main), "date": "", "component": ""}
    facts |= {"profile": "", "branch": where["branch"], "worktree": str(where["worktree"]), **numbers}
    try:
        decided = decide_contents(settings, facts, where["ports"], repository)
    except SessionError:  # its ports have other keys than the windows of today
        decided = {}
    return Session(
        name=name, slug=slug, repository=repository, **where, tmux=tmux_name(called, slug), project=called,
        **decided,
    )  # fmt: skip
