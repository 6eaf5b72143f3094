"""The order of the world, and what walks it: add, restore, resume, stop, remove."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import SessionError, describe_error
from .model import Repository, Resource, Session
from .resources import claude_launch, claude_project, files, tmux_session, worktree
from .resources.parts import Late, create_all, release_session, remove_all, undo_all
from .store import ports, registry, seals
from .store import rows as store_rows
from .system import progress, shell, signals, startup

if TYPE_CHECKING:
    from .config.settings import Settings
    from .model import Removal, Request
    from .store import archive


_restored_work = Late("restored_work", "kept", lambda session: session.archive or session.adopts, remains=False)
_compose_project = Late("compose_project", "compose", lambda session: session.compose)
_containers = Late("containers", "containers", lambda session: session.compose)
_packages = Late("packages", "packages", files.has_own_packages, remains=False)
_databases = Late("databases", "databases", lambda session: session.databases)
_setup_commands = Late("setup_commands", "setup", lambda session: session.setup, remains=False)
_claude_rules = Late("claude_rules", "rules", lambda _session: True, remains=False)
_window_programs = Late("window_programs", "programs", lambda session: session.windows, remains=False)
_worklog = Late("worklog", "worklog", lambda session: session.work_log)
# In order of creation; removal and rollback walk it backwards. Shells boot in tmux while files are copied.
RESOURCES: tuple[Resource, ...] = (
    worktree, _restored_work, tmux_session, claude_project, files, _packages, _databases, _compose_project, _containers,
    _setup_commands, _claude_rules, claude_launch, _window_programs, _worklog,
)  # fmt: skip
# The part that runs, which stop ends; the log says so.
RUNNING: tuple[Resource, ...] = (_containers, tmux_session, _window_programs, _worklog)


def resources_at_add(session: Session) -> list[Resource]:
    """Return what `add` makes of *session*: of a bare one nothing that runs, nor setup that its containers run for."""
    later = (*RUNNING, *([_setup_commands] if session.compose else [])) if session.bare else ()
    return [resource for resource in RESOURCES if resource not in later]


def add_session(request: Request, settings: Settings, repository: Repository) -> Session:
    """Make the session of *request* and return it; a failure, or ^C, leaves nothing of it.

    An add or remove of that name that was killed is undone or finished first.
    """
    from .plan import add, contents

    finish_named(request.name, repository, partial(contents.complete_row, settings))
    checked = add.check_request(request, settings, repository)
    add.fetch_configured_base(request, settings, repository)
    add.warn_before_add(checked, settings, repository)
    return make_session(request.name, repository, partial(add.plan_claimed, checked, settings, repository))


def restore_session(name: str, repository: Repository, at: str = "") -> Session:
    """Make the removed session *name* again, as it was, and return it; a failure leaves its archive as it is.

    Of several, *at* chooses by the beginning of its time; else it is the newest.
    """
    from .plan import restore

    finish_named(name, repository, restore.refuse_settings)
    saved = restore.find_archive(name, repository, at)
    row = saved.facts["row"]
    # Its worktree comes back with what these did, or which move brought it.
    facts = {key: row[key] for key in ("rules", "moved", "brought", "transcript") if key in row}
    facts |= {"setup_done": []} if row.get("teardown_done") else {}

    def decide(other_ports: set[int], _until: ExitStack) -> Session:
        archived = restore.find_archive(name, repository, saved.directory.name)  # it may have been pruned since
        return restore.plan_restore(archived, repository, other_ports)

    def drop() -> None:
        from .store import old_archive

        old_archive.drop_restored(repository, saved)

    return make_session(name, repository, decide, facts, {"creates_branch": row.get("creates_branch", True)}, drop)


def resume_sessions(sessions: Sequence[Session]) -> list[str]:
    """Make whatever is missing of *sessions* and start them; return a message for each session that failed."""
    failed: dict[str, str] = {}
    with signals.signals_raised():
        for resource in RESOURCES:
            for session in sessions:
                if session.name in failed:
                    continue
                try:
                    with registry.session_lock(session.repository, session.name):
                        _require_ready(session)
                        resource.create(session)
                except (SessionError, OSError) as error:
                    failed[session.name] = f"{session.name}: {describe_error(error)}"
        for session in (each for each in sessions if each.bare and each.name not in failed):
            registry.note_facts(session.repository, session.name, bare=False)
    return list(failed.values())


def stop_session(session: Session, is_due: Callable[[], bool] | None = None) -> bool:
    """End what is running in *session*; its files, branch and ports stay. Return whether it still *is_due*."""
    with signals.surviving_window(str(session.worktree)), registry.session_lock(session.repository, session.name):
        if is_due is not None and not is_due():
            return False
        if leftovers := remove_all(session, RUNNING):
            raise SessionError("\n".join(leftovers))
        return True


def remove_session(session: Session, how: Removal) -> archive.Archive | None:
    """Remove *session* and return its archive; it stays registered if something of it could not be removed.

    Raises `SessionError` before any effect when work would be lost, unless forced.
    """
    with signals.surviving_window(str(session.worktree)), registry.session_lock(session.repository, session.name):
        saved = _remove(store_rows.current_session(session), how)
        if session.based:
            from .store import base_refs

            base_refs.drop_unused_bases(session.repository)
        return saved


def finish_session(session: Session) -> None:
    """Undo an add, or finish a removal, that was interrupted; leave a session alone that is complete or in use."""
    from .model import Removal

    with signals.signals_raised(), ExitStack() as until:
        if not registry.try_session_lock(session.repository, session.name, until):
            return
        state = registry.read_registry(session.repository).get(session.name, {}).get("state", "ready")
        if state != "ready":
            progress.notice(f"{state.capitalize()} {session.name} was interrupted. Removing what is left of it.")
            _remove(store_rows.current_session(session), Removal())


def finish_named(name: str, repository: Repository, complete: store_rows.Complete) -> None:
    """Undo an add, or finish a removal, of the session *name* that was interrupted."""
    row = registry.read_registry(repository).get(name, {})
    if row.get("state", "ready") != "ready":
        finish_session(store_rows.session_from_row(name, row, repository, complete))


def _remove(session: Session, how: Removal) -> archive.Archive | None:
    if not session.is_taken:
        return _remove_whole(session, how)
    undo_all(session, RESOURCES, RUNNING)
    return None


def _remove_whole(session: Session, how: Removal) -> archive.Archive | None:
    later = ("store.aside", "system.processes", "claude.hooks", "store.refilling", "system.json_splice")
    startup.prefetch_modules(*(f"{__package__}.{name}" for name in later))  # while git looks at the worktree
    from .plan import remove as removing

    worktree.clear_half_made(session)  # first: git fails on some of it
    doomed, work = removing.examine_removal(session, how)
    from .store import aside

    directory = aside.choose_directory(session, bool(work and not work.dirty and work.head in ("", session.start)))
    warnings = removing.removal_warnings(doomed, work) if directory and session.state == "ready" else []
    _note_removing(session, doomed, directory)
    os.chdir(session.repository.main)  # ours, and modules that are not imported yet, may go with the worktree
    startup.load_all_below(session.worktree)
    leftovers = _end_programs(doomed, session)  # first: what they write last is saved, too
    if session.teardown and session.state != "adding" and not (directory and aside.begun_archive(directory)):
        _tear_down(doomed, session, how)
    with signals.signals_held():
        saved = _move_aside(doomed, session, directory, bool(work and work.dirty)) if directory else None
        remainder = doomed._replace(creates_branch=doomed.creates_branch and saved is None)
        if leftovers := leftovers + remove_all(remainder, [each for each in RESOURCES if each not in RUNNING]):
            advice = f"The rest was removed.\nRun: inv session.remove {session.name}"
            raise SessionError("\n".join([*leftovers, advice]))
        release_session(session)
    if saved is not None:
        from .store import refilling

        refilling.begin_thinning(session.repository, saved)
        for warning in warnings:
            progress.notice(warning)
    return saved


def _end_programs(doomed: Session, session: Session) -> list[str]:
    with signals.signals_held():
        leftovers = remove_all(doomed, RUNNING)
        if shell.is_silent("tmux"):  # its programs would continue in a directory that was moved
            raise _stay_registered(doomed, session, "\n".join(leftovers), session.state, session.archive)
    return leftovers


def _tear_down(doomed: Session, session: Session, how: Removal) -> None:
    """Run the project's commands before anything goes; if one fails, the session stays."""
    from .resources import teardown_commands

    try:
        teardown_commands.run_teardown(session, how.force)
    except BaseException:
        _set_back(doomed, session, "ready", "", teardown_done=[])
        raise


def _note_removing(session: Session, doomed: Session, directory: Path | None) -> None:
    """Note in the row of *session* what its removal was decided to be, and the archive's *directory*."""
    decisions = {"tip": doomed.tip, "creates_branch": doomed.creates_branch, **store_rows.compose_row(doomed)}
    place: registry.Row = {"archive": str(directory)} if directory else {}
    place |= {"unconfirmed": True} if session.state == "adding" and not session.archive else {}
    if session.converses:  # the note of the hook, which says which conversation it is, goes with the session
        from .claude import hooks

        place["conversation"] = hooks.conversation_of(session)
    registry.note_facts(session.repository, session.name, state="removing", **decisions, **place)


def _move_aside(doomed: Session, session: Session, directory: Path, uncommitted: bool) -> archive.Archive | None:
    from .store import aside

    try:
        if doomed.databases and session.state != "adding":
            _databases.save(doomed)
        saved = aside.move_aside(doomed, directory, uncommitted)
        if saved.facts["tree"] or saved.facts["held"]:
            return saved
        from .store import archive

        archive.drop_archive(doomed.repository, saved)  # nothing was there to be saved
        return None
    except Exception as error:
        reason = describe_error(error) if isinstance(error, (SessionError, OSError)) else str(error)
        state = "adding" if session.state == "adding" else "ready"
        raise _stay_registered(doomed, session, reason, state, "") from None


def _stay_registered(doomed: Session, session: Session, reason: str, state: str, directory: str) -> SessionError:
    """Set the row of *session* back to *state* and the archive's *directory*; return the error to raise."""
    _set_back(doomed, session, state, directory)
    return SessionError(
        f"{reason}\nNothing was removed, because the session couldn't be saved first."
        f"\nRun: inv session.start {doomed.name}"
    )


def _set_back(doomed: Session, session: Session, state: str, directory: str, **facts: Any) -> None:
    before = {"creates_branch": session.creates_branch, **store_rows.compose_row(session)}
    registry.note_facts(doomed.repository, doomed.name, state=state, archive=directory, **before, **facts)


def _require_ready(session: Session) -> None:
    if (state := store_rows.current_session(session).state) != "ready":
        raise SessionError(f"{state.capitalize()} it was interrupted.\nRun: inv session.remove {session.name}")


# Decides on a session, given the ports of other repositories; locks that it takes go on the stack.
Plan = Callable[[set[int], ExitStack], Session]


def make_session(
    name: str, repository: Repository, plan: Plan, facts: registry.Row | None = None,
    confirmed: registry.Row | None = None, afterwards: Callable[[], None] = lambda: None,
) -> Session:  # fmt: skip
    """Claim the row of what *plan* decides, make each of RESOURCES, confirm the row, and return the session.

    *facts* go into the row as well, those *confirmed* at the end; *afterwards* nothing is undone any more. Without
    *name* the plan chooses one, and locks it.
    """
    begun: list[Resource] = []
    session = None
    with signals.signals_raised(), ExitStack() as held:
        if name:
            held.enter_context(registry.session_lock(repository, name))
        try:
            with ports.claiming_ports(repository) as elsewhere, registry.changing_registry(repository) as rows:
                session = plan(elsewhere, held)
                ports.join_machine(repository)  # before the row is written: others could choose its ports
                rows[session.name] = seals.seal_row(session.name, {**store_rows.session_row(session), **(facts or {})})
            startup.prefetch_modules("dotenv.parser", "sqlite3")
            create_all(session, resources_at_add(session), begun)
            signals.ignore_signals()
            session = _confirm(session, confirmed or {})
        except BaseException:
            if session is not None:
                undo_all(session, begun, RUNNING)
            raise
        afterwards()
    return session


def _confirm(session: Session, facts: registry.Row) -> Session:
    """Note that *session* is complete, and return it as it is then."""
    now: registry.Row = {"state": "ready", "archive": "", "taken": ""}
    row = registry.note_facts(session.repository, session.name, **now, **facts)
    return session._replace(**now, setup_done=tuple(row.get("setup_done", ())))
