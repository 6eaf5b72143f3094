"""The values that all packages share, and what a resource is. Nothing here looks at the disk."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

DEFAULT_CONFIG = "~/.claude"
RULES = ".claude/settings.local.json"  # in a worktree: what its conversation may do without asking


class Window(NamedTuple):
    """One window of the tmux session, or a pane of one; of *run*, *type* and *claude* at most one is set.

    *directory* is relative to the worktree; *run* is executed, *type* is typed but not executed. The window is left
    out if its directory doesn't have the file *needs*. A pane has the name of its *window*, and that one's *layout*.
    """

    name: str
    directory: str = ""
    run: str = ""
    type: str = ""
    claude: bool = False
    needs: str = ""
    start: str = ""  # "attach": its server starts once somebody attaches, or runs session.start
    health: str = ""  # what its server answers once it works, as /healthz
    window: str = ""
    layout: str = ""

    @property
    def is_lazy(self) -> bool:
        """Whether nothing starts in it before somebody attaches."""
        return self.start == "attach" and bool(self.run)

    @property
    def title(self) -> str:
        """The name of the tmux window that it is, or is a pane of."""
        return self.window or self.name


_NAMED = re.compile(r"(?:--?[\w-]*=?|\w*PORT=|[\w.\[\]]*:)?(\d{1,5})", re.IGNORECASE)


def named_ports(command: str) -> set[int]:
    """Return the ports that *command* listens on as far as it says: `8000`, `PORT=8000`, `--port=8000`, `0.0.0.0:8000`.

    One in a web address is another server's.
    """
    return {int(match[1]) for word in command.split() if (match := _NAMED.fullmatch(word.strip("'\"")))}


class Compose(NamedTuple):
    """The containers of a session: the compose *file* in its worktree, and what of it runs under which *project* name.

    *services* are to run, those in *once* until they exit. *found* names the volumes and networks that the project
    had before the session: they are never removed with it.
    """

    file: str
    project: str
    mode: str
    profiles: tuple[str, ...]
    services: tuple[str, ...]
    without: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    wait: float = 60  # seconds that they have to become ready
    keeps_volumes: bool = False  # whether the removal in progress leaves them


class Agent(NamedTuple):
    """The program in the window that is `claude: true`: *command* with *args*."""

    command: str = "claude"
    args: tuple[str, ...] = ()
    note: str = ""  # what it should know about its session: a template
    notify: str = ""  # the command to run when it begins to wait for a person
    config: str = ""  # where its conversations are: CLAUDE_CONFIG_DIR at `add`; empty in older rows
    name: str = ""  # one of the setting `agents`; empty for Claude Code, and for another `claude.command`
    begin: tuple[str, ...] = ()  # its arguments at first, later, and before a prompt; {id} is the conversation's
    resume: tuple[str, ...] = ()
    prompt: tuple[str, ...] = ()
    fork: tuple[str, ...] = ()  # its arguments when it goes on from another session's conversation, {from}
    find: str = ""  # how the id of its conversation is found: codex, gemini, opencode, or a command that prints it
    state: str = ""  # how its state is known: codex, opencode, a file, or a command that prints it

    @property
    def is_claude(self) -> bool:
        """Whether it is Claude Code, whose flags and files we know."""
        return Path(self.command).name == "claude"


class Request(NamedTuple):
    """What a person asks `add` for; an empty value means: as configured."""

    name: str  # empty where sessions are numbered: the first free id
    base: str = ""
    branch: str = ""
    component: str = ""
    profile: str = ""
    template: str = ""  # of its entry in the work log
    issue: str = ""
    eta: str = ""
    mode: str = ""  # what of the compose file is to run: "docker" or "native"
    without: str = ""  # services that are left out, with commas between them
    start: str = ""  # the commit after which its own work begins
    adopts: str = ""  # a commit of uncommitted work to begin with
    prompt: str = ""  # what the conversation begins with
    forks: str = ""  # the conversation of which it begins with a copy
    agent: str = ""  # one of the setting `agents`, in the place of Claude Code
    bare: bool = False  # whether nothing of it is to run before somebody starts it
    worktree: str = ""  # the path of a worktree that exists already
    tmux: str = ""  # the name of a tmux session that exists already
    conversation: str = ""  # the id of one that exists already


class Removal(NamedTuple):
    """What a person approves, or wants to keep, when a session is removed."""

    force: bool = False
    keep_branch: bool = False
    keep_volumes: bool = False
    merged_tips: tuple[str, ...] = ()  # commits that the forge says are merged
    shown: Mapping[str, str] | None = None  # by name: what a person saw; nothing else is removed. None: nobody looked


class Repository(NamedTuple):
    """A repository: its *main* checkout and its git *common* directory, both absolute."""

    main: Path
    common: Path

    @property
    def private(self) -> Path:
        """Our own directory in git's: locks, archives and trash."""
        return self.common / "tally-sessions"

    @property
    def requests_file(self) -> Path:
        """Where it is noted what its forge said of pull requests."""
        return self.private / "pull-requests.json"

    @property
    def looks_file(self) -> Path:
        """Where the dashboard notes what it showed last."""
        return self.private / "dashboard.json"


def port_environment(ports: Mapping[str, int], variables: Mapping[str, str]) -> dict[str, str]:
    """Return one variable for each of the *ports*, and the configured *variables*."""
    numbers = {key.upper(): str(port) for key, port in ports.items() if key.upper() not in variables}
    return {**variables, **numbers}


class Session(NamedTuple):
    """Everything that was decided about a session, complete before anything of it is made."""

    name: str
    slug: str
    repository: Repository
    worktree: Path
    branch: str
    ports: Mapping[str, int]
    tmux: str  # the tmux session's name
    state: str = "ready"  # or "adding", "removing"
    base: str = ""  # the ref that its work is measured against
    based: str = ""  # what that ref is called on the machine that added it to this one, through `fleet`
    owner: str = ""  # who did, as their git calls them
    start: str = ""  # the commit that the branch began at
    tip: str = ""  # the commit that the branch must still have when it is deleted
    creates_branch: bool = True
    tracks: str = ""  # the remote branch that a new branch follows
    project: str = ""
    preset: str = ""
    created: str = ""  # ISO 8601, with offset; empty in rows that another tool wrote
    conversation: str = ""  # uuid
    forks: str = ""  # the id of the conversation that it begins with a copy of
    component: str = ""
    scope: tuple[str, ...] = ()  # the paths and globs of its component
    profile: str = ""
    issue: str = ""
    eta: str = ""
    work_log: Mapping[str, str] = {}  # its file, its entry before and after the status
    copy: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    thin: tuple[str, ...] = ()  # directories that need not be kept when it is removed
    env: Mapping[str, Mapping[str, str]] = {}
    databases: Mapping[str, Mapping[str, str]] = {}  # file -> variable -> the name of its own database, or a port
    env_files: tuple[str, ...] = ()  # those of `env` that are wholly ours
    activate: str = ""
    host: str = ""  # the name in its web addresses; empty for localhost
    python_path: tuple[str, ...] = ()  # its directories that Python looks in first: the environment has others of them
    variables: Mapping[str, str] = {}  # set in every window and for setup
    setup: tuple[str, ...] = ()
    setup_done: tuple[str, ...] = ()
    teardown: tuple[str, ...] = ()  # commands that `remove` runs before anything goes
    verify: tuple[str, ...] = ()  # commands that must succeed before its work is merged or proposed
    merged: str = ""  # ISO 8601: when `session.merge` last did; the commit it had then, where it went and as what
    merged_tip: str = ""
    merged_into: str = ""
    merged_as: str = ""
    adopts: str = ""  # the commit of the work that it began with
    archive: str = ""  # the directory that it is restored from
    moved: bool = False  # whether that was on other ports
    bare: bool = False  # whether it was added without anything that runs, and was never started
    taken: str = ""  # while a worktree that existed becomes one: where that is kept of it which `add` changes
    windows: tuple[Window, ...] = ()
    compose: Compose | None = None
    agent: Agent = Agent()
    prompt: str = ""  # what the conversation begins with; not in the row, for it is used once
    wakes: bool = False  # whether servers that wait for somebody to attach are to start now; not in the row

    @property
    def private(self) -> Path:
        """The directory for the start script of its conversation, and for the notes of its hooks."""
        return self.repository.private / "conversations" / self.slug

    @property
    def brings_work(self) -> bool:
        """Whether its branch had commits, or its worktree changes, when it was made."""
        return bool(not self.creates_branch or self.tracks or self.archive)

    @property
    def is_taken(self) -> bool:
        """Whether its worktree was there before it, and is given back if adding it fails."""
        return bool(self.taken) and self.state == "adding" and not self.archive

    @property
    def converses(self) -> bool:
        """Whether one of its windows is for a conversation."""
        return any(window.claude for window in self.windows)

    @property
    def environment(self) -> dict[str, str]:
        """The variables in each of its windows; TALLY_SESSION marks its processes as its own."""
        variables = port_environment(self.ports, self.variables)
        if self.python_path:
            roots = ":".join(str(self.worktree / root) for root in self.python_path)
            variables = {"PYTHONPATH": roots, **variables}
        if self.compose is not None:  # so that `docker compose` typed there means these containers
            file = str(self.worktree / self.compose.file)
            variables |= {"COMPOSE_PROJECT_NAME": self.compose.project, "COMPOSE_FILE": file}
        return {**variables, "TALLY_SESSION": str(self.worktree)}

    @property
    def setup_failed(self) -> tuple[str, ...]:
        """The setup commands that had not succeeded when the row was read."""
        is_due = self.state == "ready" and not self.waits_for_containers
        return tuple(each for each in self.setup if each not in self.setup_done) if is_due else ()

    @property
    def waits_for_containers(self) -> bool:
        """Whether its setup needs containers that only the first start runs."""
        return self.bare and self.compose is not None


def waiting_copies(session: Session) -> str:
    """Return where in our own directory large copies wait until git has made the worktree of *session*."""
    return f"copies-{session.slug}"


def waiting_packages(session: Session) -> str:
    """Return where in our own directory its packages wait for the same."""
    return f"packages-{session.slug}"


class Conflict(NamedTuple):
    """Files in which *session* meets *other*, which is what *against* says: as another session, or its base."""

    kind: str  # conflict: git cannot merge it; overlap: the same files, which merge; scope: outside; operation: begun
    session: str
    other: str
    against: str  # session, base, component or operation, as a rebase
    files: tuple[str, ...]
    why: str = ""  # of one that git can't see: what both do; of an operation: where it stopped
    fix: str = ""

    def record(self) -> dict[str, Any]:
        """Return it as `conflicts --json` shows it."""
        return {**self._asdict(), "files": list(self.files)}


class Problem(NamedTuple):
    """Something wrong with a session: the fact, why it matters, the command that fixes it."""

    what: str
    why: str
    fix: str


class Resource(Protocol):
    """One thing that a session is made of; a module satisfies it."""

    LABEL: str  # what people read as its name

    def describe(self, session: Session) -> str:
        """Return in half a line what `create` makes; empty when that is nothing."""

    def create(self, session: Session) -> None:
        """Make it, unless it exists."""

    def remove(self, session: Session) -> None:
        """Remove whatever exists of it, and nothing that isn't ours."""

    def problems(self, session: Session) -> list[Problem]:
        """Return what is wrong with it."""


_WEB = frozenset("api app backend frontend http https page server site ui web".split())  # in a key, as APP_PORT


def list_addresses(session: Session, present: Collection[Window]) -> list[tuple[str, str]]:
    """Return what each port of *session* is for, and its address; without those whose window is not *present*."""
    missing = {window.run for window in session.windows if window not in present}
    unused = {port for port in session.ports.values() for run in missing if port in named_ports(run)}
    served = {key: port for key, port in session.ports.items() if port not in unused}
    return [(re.sub("_port$", "", key), format_address(session, port)) for key, port in served.items()]


def format_address(session: Session, port: int, service: str = "") -> str:
    """Return the address of *port*: a web address only if there is reason to think that it is one.

    What decides: an address with that port in the session's values, else whether a window's command names it, else
    its key or the name of its *service*.
    """
    named = next((key for key, number in session.ports.items() if number == port), service)
    scheme = next(_schemes(session, port), "")
    web = any(port in named_ports(window.run) for window in session.windows)
    web = web or not _WEB.isdisjoint(re.split("[^a-z]+", named.lower()))
    if scheme in ("http", "https") or (web and not scheme):
        return f"{scheme or 'http'}://{session.host or 'localhost'}:{port}"
    return f"localhost:{port}"


def _schemes(session: Session, port: int) -> Iterator[str]:
    for values in (*session.env.values(), session.variables):
        for value in values.values():
            if match := re.search(rf"([a-z][a-z0-9+.-]*)://[^\s/]*:{port}(?!\d)", value):
                yield match[1]
