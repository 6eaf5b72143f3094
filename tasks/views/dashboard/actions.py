"""What the keys do to sessions: the same tasks that a person would type, in the background, with their answers."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text
from textual.app import App, SuspendNotSupported

from ...errors import SessionError
from ...model import Repository, Session
from ...status.feed import Feed
from ...status.shown_rows import Row
from ...tools import tmux_attach
from .dialogs import Choice, Question
from .jobs import Command, Job, Jobs, count_names, describe_new, describe_several, list_names, program_of

_BUSY = ("working", "waiting")
Asked = tuple[str, Sequence[Choice]] | str  # the text of a question, and its answers; a text alone asks nothing
_MAKING = ("session.add", "session.restore")  # whose answer is where the session is
_ATTACHED = ("running", "partial")
_TICK = 0.05  # seconds between two looks at whether a task has ended
SOON = 5.0  # seconds after which a task that goes on has accepted what was filled in


class ActingApp(App[Session]):
    """An app that acts on sessions; how they are shown is for `Dashboard`."""

    feed: Feed
    jobs: Jobs
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

    def hush(self) -> None:
        """Say no more what was said in that line."""
        raise NotImplementedError

    def done(self) -> None:
        """Look again, because something was done."""
        raise NotImplementedError

    def go_to(self, name: str, at: Repository | None = None) -> None:
        """Choose the session *name*, of the repository *at*, once it is there."""
        raise NotImplementedError

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do *work*, which may wait, beside the keys."""
        self.run_worker(work, exit_on_error=True)

    def launch(self, title: str, *words: str, at: Repository, **variables: str) -> Job:
        """Begin the task *words* in the background, in the repository *at*, with *variables* in its environment."""
        return self.jobs.start(Command(title, words, self.elsewhere(at), variables))

    async def perform(self, title: str, *words: str, at: Repository, **variables: str) -> Job:
        """Run the task *words* in the background, as `launch` does, and return it when it has ended."""
        return await self.ended(self.launch(title, *words, at=at, **variables))

    async def ended(self, job: Job, look: Callable[[], object] = lambda: None) -> Job:
        """Return *job* when it has ended; until then call *look* again and again."""
        while job.code is None:
            look()
            await asyncio.sleep(_TICK)
        self.done()
        return job

    def elsewhere(self, repository: Repository) -> Path | None:
        """Return the main checkout of *repository*, None for the one that we are in."""
        return None if repository.main == self.repository.main else repository.main

    async def act(self, title: str, *words: str, at: Repository) -> Job:
        """Perform a task and say how it went; an error is shown whole, and may be approved."""
        job = await self.perform(title, *words, at=at)
        if not job.code:
            self.tell_done(job)
            return job
        return await self.explain(job, at)

    def tell_done(self, job: Job) -> None:
        """Say what *job* did."""
        self.tell(describe_new(job) if job.command.words[0] in _MAKING else job.summary)

    async def explain(self, job: Job, at: Repository) -> Job:
        """Show why *job* failed, whole; where a person's approval is all that it lacks, run it again with that."""
        title, words = job.command.title, job.command.words
        approval = [Choice("y", "Approve and run again", "yes", True)] * offers_approval(job)
        choices = [Choice("c", "Close", "close"), *approval]
        answer = await self.push_screen_wait(Question(f"{title}: failed", job.whole, choices))
        return await self.act(title, *words, "--yes", at=at) if answer == "yes" else job

    async def act_on_each(self, verb: str, task: str, rows: Sequence[Row], *words: str) -> None:
        """Perform *task* on all of *rows*, at once for those of one repository."""
        for names, at in by_repository(rows):
            job = await self.act(f"{verb} {list_names(names)}", task, ",".join(names), *words, at=at)
            if not job.code and len(names) > 1:
                self.tell(describe_several(names, job))

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
            if os.environ.get("TMUX_PANE") and os.environ.get("TMUX"):  # the screen stays in its pane
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

    async def ask_about(self, title: str, reading: Coroutine[Any, Any, Job], ask: Callable[[Job], Asked]) -> str | None:
        """Ask about what *reading* finds. The question is there before: the next keys are meant for it."""
        question = Question(title, "Looking …", ())

        async def fill() -> None:
            job = await reading
            if isinstance(asked := ask(job), str):
                if self.screen is question:
                    question.dismiss(None)
                    self.tell(asked, is_error=bool(job.code))
                asked = asked, [Choice("c", "Close", "close")]
            if question in self.screen_stack:
                await question.fill(*asked)

        self.begin(fill())
        return await self.push_screen_wait(question)

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
        """Perform *task* on *rows*, one after the other; in the end the last line has all of their answers."""
        jobs = [await self.act(f"{verb} {row.session.name}", task, row.session.name, *words, at=_place(row))
                for row in rows]  # fmt: skip
        if len(jobs) > 1 and (done := [job for job in jobs if not job.code]):
            self.tell(" ".join(job.out.strip().partition("\n")[0] or job.summary for job in done))

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
            await self.act(f"Opening a pull request of {name}", "session.pr", name, *words, at=_place(row))

    def action_remove(self) -> None:
        """Remove the sessions, after showing what that takes away."""
        if rows := self.targets():
            self.begin(self._remove(rows))

    async def _remove(self, rows: Sequence[Row]) -> None:
        from . import removing

        for names, at in by_repository(rows):
            await removing.remove_named(self, names, at)

    def action_prompt(self) -> None:
        """Send a message to Claude."""
        if rows := self.targets():
            self.begin(self._prompt(rows))

    async def _prompt(self, rows: Sequence[Row]) -> None:
        names = list_names([row.session.name for row in rows])
        busy = [row.session.name for row in rows if row.status.talk.state == "working"]
        hint = f"Claude is working in {', '.join(busy)}: it is sent when the turn ends." if busy else ""
        if text := await self._ask_text(f"Message to {names}", hint):
            later = {row.session.name: ["--when-idle"] if row.session.name in busy else [] for row in rows}
            jobs = await asyncio.gather(*(self._send(row, f"--text={text}", *later[row.session.name]) for row in rows))
            sent = [row.session.name for row, job in zip(rows, jobs, strict=True) if not job.code]
            if len(rows) > 1 and sent:
                self.tell(f"Sent to {count_names(sent)}.")

    async def _ask_text(self, title: str, hint: str = "") -> str | None:
        from .forms import PromptForm  # with a field of several lines, which takes long to import

        return await self.push_screen_wait(PromptForm(title, hint))

    async def _send(self, row: Row, *words: str) -> Job:
        name = row.session.name
        return await self.act(f"Sending to {name}", "session.send", name, *words, at=_place(row))

    def action_answer(self) -> None:
        """Answer the permission prompt, after showing it."""
        if (row := self.chosen()) is not None:
            self.begin(self._answer(row))

    async def _answer(self, row: Row) -> None:
        name = row.session.name
        shown = self.perform(f"Reading what {name} asks", "session.answer", name, at=_place(row))
        answer = await self.ask_about(f"Claude in {name} asks", shown, _permission_question)
        words = [answer] if answer in ("yes", "always", "no") else []
        if answer == "instead" and (text := await self._ask_text("What Claude should do")):
            words = ["no", f"--message={text}"]
        if not words:
            return
        job = await self.perform(f"Answering {name}", "session.answer", name, *words, at=_place(row))
        if job.code:
            await self.explain(job, _place(row))
        else:  # it printed first what was asked
            self.tell(job.out.strip().splitlines()[-1])

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
        program, environment = program_of(self.elsewhere(row.session.repository))
        words = [*program, "session.open", row.session.name, "--editor"]
        try:
            with self.suspend():
                code = subprocess.run(words, cwd=main, env=environment, check=False).returncode
                if code:
                    input("Press Enter to go back. ")
        except SuspendNotSupported:
            await self._each("Opening", "session.open", [row], "--editor")
        self.done()


def offers_approval(job: Job) -> bool:
    """Return whether a person's approval is all that *job* lacked."""
    return "--yes" in job.whole and "--yes" not in job.command.words


def _place(row: Row) -> Repository:
    return row.session.repository


def by_repository(rows: Sequence[Row]) -> list[tuple[list[str], Repository]]:
    """Return the names of the sessions of *rows* in each repository."""
    mains = dict.fromkeys(row.key[0] for row in rows)
    groups = [[row for row in rows if row.key[0] == main] for main in mains]
    return [([row.session.name for row in group], _place(group[0])) for group in groups]


def _permission_question(shown: Job) -> Asked:
    if shown.code:
        return shown.summary
    choices = [Choice("y", "Yes", "yes"), Choice("a", "Yes, always", "always"), Choice("n", "No", "no"),
               Choice("i", "No, instead …", "instead")]  # fmt: skip
    return shown.out.strip("\n"), choices
