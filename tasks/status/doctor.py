"""What is wrong with the sessions, their environments and this machine, and what fixes it."""

from __future__ import annotations

import filecmp
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from .. import lifecycle
from ..claude import launch, rules
from ..errors import SessionError, SilentError, describe_error
from ..integrate import adopt_backup, interrupted_merge, interrupted_sync, merged_checkout, rename
from ..model import Problem, Repository, Session
from ..resources import files, worktree
from ..store import ports, registry, seals
from ..store.state_directory import state_directory
from ..system import files as system_files
from ..system import listening, progress, shell
from ..tools import docker_services, git, stale_locks, tmux
from . import host_names, orphans, other_code, outlived, worktree_looks
from .session_status import find_foreigners
from .worktree_looks import Look

Allow = Callable[[Sequence[Session]], tuple[list[Session], list[str]]]
Found = list[tuple[str, Problem]]  # with the name of the session, empty for the machine


class _Questions:
    """Asks for problems; what could not be asked is a problem itself, once."""

    def __init__(self) -> None:
        self.failures: dict[str, Problem] = {}

    def ask(self, question: Callable[[], Iterable[Problem]]) -> list[Problem]:
        """Return the answer to *question*, nothing when something that it needs fails."""
        try:
            return list(question())
        except SilentError as error:
            self.failures[error.program] = Problem(error.fact, "what depends on it is unknown", error.advice)
        except (SessionError, OSError) as error:
            fact, _, advice = describe_error(error).partition("\n")
            if fact.endswith(":"):  # what a program printed, which is the same whatever it was asked
                fact, _, advice = advice.strip().partition("\n")
            fact = fact.rstrip(".")
            why = "what depends on it was not checked"
            self.failures[fact] = Problem(fact, why, advice.removeprefix("Run: ") or "fix that, and run this again")
        return []


def _changed_ports(repository: Repository) -> Iterator[tuple[str, Problem]]:
    """Yield each port that somebody changed in the registry: all else of the session has the old one."""
    for name, row in registry.read_registry(repository).items():
        for key, old, new in seals.changed_ports(row):
            what = f"port {key} was changed in .tally-sessions from {old} to {new} since it was added"
            why, fix = f"its servers and files have {old}", f"set it back to {old} in .tally-sessions"
            yield name, Problem(what, why, fix)


@tmux.panes_asked_once()
def find_problems(repository: Repository, sessions: Sequence[Session]) -> Found:
    """Return every problem with the name of the session that it is about; the machine's have none."""
    questions = _Questions()
    machine = [*questions.ask(lambda: tool_problems(list(sessions))), *questions.ask(state_problems)]
    machine += questions.ask(lambda: orphans.orphan_problems(repository))
    machine += questions.ask(lambda: stale_locks.stale_lock_problems(repository))
    machine += questions.ask(lambda: other_code.imports_of_sessions(repository, sessions))
    machine += questions.ask(lambda: adopt_backup.copy_problems(repository, sessions))
    found = [*(("", problem) for problem in machine), *interrupted_merge.landing_problems(repository)]
    found += [*interrupted_sync.sync_problems(sessions), *merged_checkout.checkout_problems(sessions)]
    found += rename.rename_problems(sessions)
    found += _changed_ports(repository)
    answering = ports.answering_ports({port for session in sessions for port in session.ports.values()})
    listeners, services = listening.listeners_on(answering), docker_services.services_by_session(sessions)
    for look in worktree_looks.look_at_worktrees(repository, sessions):
        session = look.session
        found += [(session.name, problem) for problem in _session_problems(look, questions)]
        outlasting = questions.ask(partial(outlived.outlived_problems, session, listeners))
        found += [(session.name, problem) for problem in outlasting]
        for port, who in find_foreigners(session, listeners, services.get(session.name, ())).items():
            fix = "end it, or remove the session and add it again for another port"
            found.append((session.name, Problem(f"port {port} is answered by {who}", "its own server can't be", fix)))
    known = {problem.what for problem in machine}  # as a state directory that can't be trusted
    failures = [problem for problem in questions.failures.values() if problem.what not in known]
    return [*(("", problem) for problem in failures), *found]


def fix_problems(repository: Repository, sessions: Sequence[Session], allow: Allow) -> list[str]:
    """Finish what was interrupted, recreate what is missing, end orphaned programs; return what failed.

    An interrupted removal is finished and an interrupted add undone, what they would lose is archived; those that
    still run are left alone. Of the sessions with something missing only those that *allow* returns are resumed; it
    also returns why the others are not.
    """
    failed = []
    stale_locks.remove_stale_locks(repository)  # first: git refuses what follows until they are gone
    rename.finish_renames(sessions)  # the others need the branch that the row names
    interrupted_merge.finish_landings(repository)
    for finish in (interrupted_sync.finish_steps, merged_checkout.finish_checkouts):
        failed += _failure("", partial(finish, sessions))
    for session in sessions:
        fix = _fix_files if session.state == "ready" else lifecycle.finish_session
        failed += _failure(session.name, partial(fix, session))
    allowed, refused = allow([session for session in sessions if _is_incomplete(session)])
    failed += [*refused, *lifecycle.resume_sessions(allowed)]
    failed += _failure("", lambda: orphans.end_orphans(repository))
    adopt_backup.clear_copies(repository, sessions)
    return failed


def _failure(name: str, step: Callable[[], None]) -> list[str]:
    try:
        step()
    except (SessionError, OSError) as error:
        return [f"{name}: {describe_error(error)}" if name else describe_error(error)]
    return []


def _fix_files(session: Session) -> None:
    with registry.session_lock(session.repository, session.name):
        for file, keys in files.fix_files(session).items():
            progress.tell("fixed", f"{session.name}: set {', '.join(keys)} in {file}; its other lines are unchanged")


def _session_problems(look: Look, questions: _Questions) -> list[Problem]:
    session = look.session
    if session.state != "ready":
        if _is_busy(session):
            return []
        return [Problem(f"it is {session.state}", "it was interrupted", f"inv session.remove {session.name}")]
    if not os.path.lexists(session.worktree):  # what else is wrong with it follows from that
        return questions.ask(partial(worktree.problems, session))
    resources = [questions.ask(partial(resource.problems, session)) for resource in lifecycle.RESOURCES]
    found = [problem for problems in resources for problem in problems]
    found += [*git_problems(look), *_link_problems(session), *environment_problems(session)]
    found += host_names.host_problems(session)
    return found + questions.ask(lambda: rules.rules_problems(session))


def git_problems(look: Look) -> Iterator[Problem]:
    """Yield that git does not say what is in a worktree, and why."""
    place = shlex.quote(str(look.session.worktree))
    if look.silence:
        fact = f"git didn't answer in {look.session.worktree} within {worktree_looks.GIT_PATIENCE:g} s"
        why = "its disk, or its file system monitor, doesn't answer, and its state is unknown"
        yield Problem(
            fact, why, f"git -C {place} -c core.fsmonitor=false status    (if this hangs too, it is the disk)"
        )
    elif look.failure:
        fact, _, advice = worktree_looks.describe_failure(look.session, look.failure).partition("\n")
        yield Problem(fact, "its changes are unknown", advice.removeprefix("Run: "))
    elif look.operation:
        fix = f"finish or abort it: git -C {place} status"
        yield Problem(f"a {look.operation} is in progress", "sync and merge can't run until it ends", fix)
    elif look.other_head and git.resolve_commit(look.session.repository, f"refs/heads/{look.session.branch}"):
        detached, own = look.other_head == "(detached)", look.session.branch
        fact = "HEAD is detached" if detached else f"branch {look.other_head} is checked out"
        why = f"new commits are not on branch {own}"
        yield Problem(fact, why, shlex.join(["git", "-C", str(look.session.worktree), "switch", own]))


def _link_problems(session: Session) -> Iterator[Problem]:
    for link in worktree_looks.links_out(session):
        target = session.worktree / link
        fact = f"{link} is a link to {os.path.realpath(target)}, outside of the worktree"
        back = f"rm {shlex.quote(str(target))} && git -C {shlex.quote(str(session.worktree))} checkout HEAD -- "
        why = "files behind it are not the session's: they are neither set, compared nor saved"
        yield Problem(fact, why, f"{back}{shlex.quote(link)}")


def _is_busy(session: Session) -> bool:
    """Return whether another process makes or removes *session* now: that holds its lock."""
    try:
        with ExitStack() as until:
            return not registry.try_session_lock(session.repository, session.name, until)
    except OSError:  # on a read-only disk nothing is being created or removed
        return False


def _is_incomplete(session: Session) -> bool:
    """Return whether something of a ready session is missing that `resume` makes: a stopped one stays stopped."""
    if session.state != "ready" or not os.path.lexists(session.worktree):
        return False
    return any(resource.problems(session) for resource in lifecycle.RESOURCES)


def state_problems() -> Iterator[Problem]:
    """Yield that others could write to our state directory, or replace it."""
    try:
        state_directory()
    except SessionError as error:
        fact, _, fix = str(error).partition("\n")
        why = "others could choose ports for your sessions, and approve commands in your name"
        yield Problem(fact.rstrip("."), why, fix.removeprefix("Run: "))


def environment_problems(session: Session) -> list[Problem]:
    """Return linked node_modules for another lock file, and Python code that comes from the main checkout."""
    return [*_other_packages(session), *other_code.imports_elsewhere(session)]


def _other_packages(session: Session) -> Iterator[Problem]:
    for path in session.link:
        if Path(path).name != "node_modules" or not (session.worktree / path).is_symlink():
            continue
        for name in system_files.LOCK_FILES:
            own, main = (top / Path(path).parent / name for top in (session.worktree, session.repository.main))
            if own.is_file() and main.is_file() and not filecmp.cmp(own, main, shallow=False):
                fix = f"rm {shlex.quote(str(session.worktree / path))} && inv session.resume {session.name}"
                yield Problem(f"{path} is the main checkout's, but {name} differs", "packages don't match", fix)


_LOGIN = 20.0  # seconds that a login shell may take
_OLDEST = {"git": (2, 25), "tmux": (3, 2)}


def tool_problems(sessions: list[Session]) -> list[Problem]:
    """Return the missing and outdated programs, and `workon` when *sessions* need it and login shells don't have it."""
    problems = []
    for program, oldest in _OLDEST.items():
        if shutil.which(program) is None:
            problems.append(
                Problem(f"{program} is missing", "no session can be added", f"install the package {program}")
            )
        elif (version := _version(program)) < oldest:
            is_, needs = (".".join(map(str, each)) for each in (version, oldest))
            problems.append(
                Problem(f"{program} {is_} is too old", f"{needs} is needed", f"update the package {program}")
            )
    for agent in {session.agent.command: session.agent for session in sessions if session.converses}.values():
        if shutil.which(agent.command) is None:
            fix = launch.INSTALL if agent.is_claude else f"install {agent.command}"
            problems.append(Problem(f"{agent.command} is missing", "conversations can't start", fix))
    problems += _trust_problem([each for each in sessions if each.converses and each.agent.is_claude and not each.bare])
    if any(session.activate.startswith("workon ") for session in sessions) and not _knows_workon():
        fix = "source virtualenvwrapper.sh in ~/.bashrc or ~/.zshrc"
        problems.append(Problem("workon is not found in a login shell", "the servers don't start", fix))
    return problems


def _trust_problem(sessions: list[Session]) -> list[Problem]:
    """Return that the first conversation of *sessions* waits behind a dialog: trusting the main checkout is for all."""
    from ..claude import project_entry

    for session in sessions:
        if project_entry.needs_trust(session) and shutil.which(session.agent.command):
            what = f"Claude Code asks whether you trust {session.repository.main}"
            return [Problem(what, "conversations wait for the answer", f"inv session.attach {session.name}")]
    return []


def _version(program: str) -> tuple[int, int]:
    output = shell.read_output(program, "-V" if program == "tmux" else "--version", check=False)
    numbers = re.search(r"(\d+)\.(\d+)", output)
    return (int(numbers[1]), int(numbers[2])) if numbers else (99, 0)  # a development build names no number


def _knows_workon() -> bool:
    program = shell.clean_environment().get("SHELL", "/bin/bash")
    question = (program, "-lic", "type workon")
    return "workon" in shell.read_output(*question, env=shell.pristine_environment(), check=False, seconds=_LOGIN)
