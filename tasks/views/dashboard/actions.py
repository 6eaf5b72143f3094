"""What the keys do to sessions: the same tasks that a person would type, in the background, with their answers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from rich.text import Text
from textual.app import App, SuspendNotSupported

from ...errors import SessionError
from ...model import Repository, Session
from ...status.feed import Feed
from ...status.shown_rows import Row
from ...store import archive
from ...system import table
from ...tools import tmux_attach
from .. import details
from . import dialogs, forms
from .dialogs import Choice, Notice, Question
from .jobs import Command, Job, Jobs, program_of

_BUSY = ("working", "waiting")
_ATTACHED = ("running", "partial")


class ActingApp(App[Session]):
    """An app that acts on sessions; how they are shown is for `Dashboard`."""

    feed: Feed
    jobs: Jobs
    choices: Callable[[], forms.Choices]
    repository: Repository  # that we are in

    def chosen(self) -> Row | None:
        """Return the chosen row."""
        raise NotImplementedError

    def targets(self) -> list[Row]:
        """Return the marked rows, else the chosen one."""
        raise NotImplementedError

    def tell(self, text: str, is_error: bool = False) -> None:
        """Say something in a line."""
        raise NotImplementedError

    def done(self) -> None:
        """Look again, because something was done."""
        raise NotImplementedError

    def go_to(self, name: str) -> None:
        """Choose the session *name* once it is there."""
        raise NotImplementedError

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do *work*, which may wait, beside the keys."""
        self.run_worker(work, exit_on_error=True)

    async def perform(self, title: str, *words: str, row: Row | None = None) -> Job:
        """Run the task *words* in the background, for the repository of *row*, and return it when it has ended."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        place = row.session.repository.main if row is not None and self.is_elsewhere(row) else None
        job = self.jobs.start(Command(title, words, place), lambda _job: _set(loop, ended))
        await ended.wait()
        self.done()
        return job

    def is_elsewhere(self, row: Row) -> bool:
        """Return whether *row* is of another repository than the one we are in."""
        return row.session.repository.main != self.repository.main

    async def act(self, title: str, *words: str, row: Row | None = None) -> Job:
        """Perform a task and say how it went; an error is shown whole, and may be approved."""
        job = await self.perform(title, *words, row=row)
        if not job.code:
            self.tell(job.summary)
            return job
        offers_yes = "--yes" in job.whole and "--yes" not in words
        choices = [Choice("c", "Close", "close"), *([Choice("y", "Approve and run again", "yes", True)] * offers_yes)]
        answer = await self.push_screen_wait(Question(f"{title}: failed", job.whole, choices))
        return await self.act(title, *words, "--yes", row=row) if answer == "yes" else job

    async def act_on_each(self, verb: str, task: str, rows: Sequence[Row], *words: str) -> None:
        """Perform *task* on all of *rows*, at once for those of one repository."""
        for main in dict.fromkeys(row.key[0] for row in rows):
            those = [row for row in rows if row.key[0] == main]
            names = ",".join(row.session.name for row in those)
            await self.act(f"{verb} {names.replace(',', ', ')}", task, names, *words, row=those[0])

    # keys

    def action_attach(self) -> None:
        """Attach to the chosen session."""
        row = self.chosen()
        if row is None:
            return
        if row.status.state in _ATTACHED:
            self.begin(self._visit(row.session))
            return
        name = row.session.name
        advice = "Press r to start it." if row.status.state == "stopped" else f"Run: inv session.show {name}"
        self.tell(f"{name} is {row.status.state}. {advice}", is_error=True)

    async def _visit(self, session: Session) -> None:
        if self.is_web:
            self.tell(f"Attach in a terminal: inv session.attach {session.name}", is_error=True)
            return
        try:
            if os.environ.get("TMUX_PANE"):  # the screen stays in its pane
                await asyncio.to_thread(tmux_attach.attach_to_tmux, session)
            elif os.environ.get("TMUX"):  # a popup, which goes
                self.exit(session)
            else:
                with self.suspend():
                    tmux_attach.visit_tmux(session)
        except SuspendNotSupported:
            self.exit(session)
        except SessionError as error:
            self.tell(str(error).replace("\n", " "), is_error=True)
        self.done()

    def action_start(self) -> None:
        """Start the sessions."""
        if rows := self.targets():
            self.begin(self.act_on_each("Starting", "session.start", rows))

    def action_stop(self) -> None:
        """Stop the sessions; ask first where Claude works or waits."""
        if rows := self.targets():
            self.begin(self._stop(rows))

    async def _stop(self, rows: Sequence[Row]) -> None:
        busy = [f"Claude in {row.session.name} is {row.status.talk.state}." for row in rows
                if row.status.talk.state in _BUSY]  # fmt: skip
        if busy:
            text = "\n".join([*busy, "Its turn would be cut off. The conversation itself stays."])
            if await self._confirm("Stop", text, "Stop") is None:
                return
        await self.act_on_each("Stopping", "session.stop", rows)

    async def _confirm(self, title: str, text: str | Text, label: str, is_danger: bool = True) -> str | None:
        """Ask whether to go on; None: no."""
        choices = [Choice("n", "Cancel", "no"), Choice("y", label, "yes", is_danger)]
        answer = await self.push_screen_wait(Question(title, text, choices))
        return "yes" if answer == "yes" else None

    def action_sync(self) -> None:
        """Sync the sessions, one after the other."""
        if rows := self.targets():
            self.begin(self._each("Syncing", "session.sync", rows))

    async def _each(self, verb: str, task: str, rows: Sequence[Row], *words: str) -> None:
        for row in rows:
            await self.act(f"{verb} {row.session.name}", task, row.session.name, *words, row=row)

    def action_merge(self) -> None:
        """Merge the sessions into their bases, after a question."""
        if rows := self.targets():
            self.begin(self._merge(rows))

    async def _merge(self, rows: Sequence[Row]) -> None:
        lines = [f"{row.session.name}: {row.status.ahead} commit{'s' * (row.status.ahead != 1)}"
                 f" into {row.session.base or 'its base'}" for row in rows]  # fmt: skip
        how = "Its checks run first. All of it is merged, or nothing."
        if len(rows) > 1:
            how = (
                "Each is synced, checked and merged, the least overlap first."
                " It stops at the first conflict, and what was merged before stays."
            )
        text = "\n".join([*lines, "", how])
        choices = [Choice("n", "Cancel", "no"), Choice("y", "Merge", "yes"), Choice("s", "Squash into one", "squash"),
                   Choice("r", "Merge and remove", "remove")]  # fmt: skip
        answer = await self.push_screen_wait(Question("Merge", text, choices))
        if answer in ("yes", "squash", "remove"):
            words = [] if answer == "yes" else [f"--{answer}"]
            await self.act_on_each("Merging", "session.merge", rows, *words)

    def action_pull_request(self) -> None:
        """Open a pull request, after a question."""
        if (row := self.chosen()) is not None:
            self.begin(self._pull_request(row))

    async def _pull_request(self, row: Row) -> None:
        text = f"Its checks run, {row.session.branch} is pushed, and a pull request is opened."
        choices = [Choice("n", "Cancel", "no"), Choice("y", "Open it", "yes"), Choice("d", "Open a draft", "draft")]
        answer = await self.push_screen_wait(Question(f"Pull request of {row.session.name}", text, choices))
        if answer in ("yes", "draft"):
            words = ["--draft"] if answer == "draft" else []
            name = row.session.name
            await self.act(f"Opening a pull request of {name}", "session.pr", name, *words, row=row)

    def action_remove(self) -> None:
        """Remove the sessions, after showing what that takes away."""
        if rows := self.targets():
            self.begin(self._remove(rows))

    async def _remove(self, rows: Sequence[Row]) -> None:
        for row in rows:
            name = row.session.name
            plan = await self.perform(f"Looking at what {name} has", "session.remove", name, "--dry-run", row=row)
            answer = await self.push_screen_wait(_removal_question(name, plan))
            if answer in ("yes", "force"):
                words = ["--force"] if answer == "force" else []
                await self.act(f"Removing {name}", "session.remove", name, *words, row=row)

    def action_restore(self) -> None:
        """Restore a removed session."""
        self.begin(self._restore())

    async def _restore(self) -> None:
        try:
            archives = await asyncio.to_thread(archive.list_archives, self.repository)
        except SessionError as error:
            await self.push_screen_wait(Notice("The saved copies can't be read", str(error), True))
            return
        if not archives:
            self.tell("No removed session can be restored.", is_error=True)
            return
        options = [(str(place), _removed_line(each)) for place, each in enumerate(archives)]
        if picked := await self.push_screen_wait(dialogs.Pick("Restore a removed session", options)):
            chosen = archives[int(picked)]
            self.go_to(chosen.name)
            await self.act(
                f"Restoring {chosen.name}", "session.restore", chosen.name, f"--at={chosen.directory.name[:15]}"
            )

    def action_add(self) -> None:
        """Add a session."""
        self.begin(self._add())

    async def _add(self) -> None:
        try:
            choices = await asyncio.to_thread(self.choices)
        except SessionError as error:
            await self.push_screen_wait(Notice("The configuration can't be used", str(error), True))
            return
        if filled := await self.push_screen_wait(forms.AddForm(choices)):
            words = json.loads(filled)
            name = words[0] if words and not words[0].startswith("--") else ""
            self.go_to(name)
            await self.act(f"Adding {name or 'a session'}", "session.add", *words)

    def action_prompt(self) -> None:
        """Send a message to Claude."""
        if rows := self.targets():
            self.begin(self._prompt(rows))

    async def _prompt(self, rows: Sequence[Row]) -> None:
        names = ", ".join(row.session.name for row in rows)
        busy = [row.session.name for row in rows if row.status.talk.state == "working"]
        hint = f"Claude is working in {', '.join(busy)}: it is sent when the turn ends." if busy else ""
        if text := await self.push_screen_wait(forms.PromptForm(f"Message to {names}", hint)):
            for row in rows:
                words = [row.session.name, f"--text={text}", *(["--when-idle"] if row.session.name in busy else [])]
                self.begin(self._send(row, words))

    async def _send(self, row: Row, words: Sequence[str]) -> None:
        await self.act(f"Sending to {row.session.name}", "session.send", *words, row=row)

    def action_answer(self) -> None:
        """Answer the permission prompt, after showing it."""
        if (row := self.chosen()) is not None:
            self.begin(self._answer(row))

    async def _answer(self, row: Row) -> None:
        name = row.session.name
        shown = await self.perform(f"Reading what {name} asks", "session.answer", name, row=row)
        if shown.code:
            self.tell(shown.summary, is_error=True)
            return
        choices = [Choice("y", "Yes", "yes"), Choice("a", "Yes, always", "always"), Choice("n", "No", "no"),
                   Choice("i", "No, instead …", "instead")]  # fmt: skip
        answer = await self.push_screen_wait(Question(f"Claude in {name} asks", shown.out.strip("\n"), choices))
        words = [answer] if answer in ("yes", "always", "no") else []
        if answer == "instead" and (text := await self.push_screen_wait(forms.PromptForm("What Claude should do"))):
            words = ["no", f"--message={text}"]
        if words:
            await self.act(f"Answering {name}", "session.answer", name, *words, row=row)

    def action_open_browser(self) -> None:
        """Open the session's address in the browser."""
        if (row := self.chosen()) is not None:
            self.begin(self._each("Opening", "session.open", [row], "--browser"))

    def action_open_editor(self) -> None:
        """Open the worktree in the editor, which may take the terminal meanwhile."""
        if (row := self.chosen()) is not None:
            self.begin(self._edit(row))

    async def _edit(self, row: Row) -> None:
        main = row.session.repository.main
        program, environment = program_of(main if self.is_elsewhere(row) else None)
        words = [*program, "session.open", row.session.name, "--editor"]
        try:
            with self.suspend():
                code = subprocess.run(words, cwd=main, env=environment, check=False).returncode
                if code:
                    input("Press Enter to go back. ")
        except SuspendNotSupported:
            await self._each("Opening", "session.open", [row], "--editor")
        self.done()


def _set(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)


def _removal_question(name: str, plan: Job) -> Question:
    """Return the question with what goes, and with what would be lost where `remove` refuses."""
    if not plan.code:
        text = f"{plan.whole}\n\nFiles and uncommitted work are saved: press u to restore it."
        return Question(f"Remove {name}", text, [Choice("n", "Keep it", "no"), Choice("y", "Remove", "yes", True)])
    text = f"{plan.whole}\n\nWith --force it goes with that; what can be saved is saved, and u restores it."
    return Question(
        f"Remove {name}?", text, [Choice("n", "Keep it", "no"), Choice("f", "Remove anyway", "force", True)]
    )


def _removed_line(each: archive.Archive) -> Text:
    age, size = details.format_age(each.removed), table.format_size(each.size)
    return Text.assemble(
        (f"{each.name:<28} ", "bold"), f"{age} ago  ", (f"{each.facts['row']['branch']}  {size}", "dim")
    )
