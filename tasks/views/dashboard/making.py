"""Sessions that come: those that are added, and removed ones that are restored, in any of the repositories shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from rich.text import Text
from textual.actions import ActionParseResult
from textual.dom import DOMNode

from ...errors import SessionError
from ...model import Repository
from ...status.shown_rows import Key, gone_error
from . import drafts, keys
from .actions import SOON, ActingApp

if TYPE_CHECKING:
    from ...store.archive import Archive
    from .forms import AddForm


class MakingApp(ActingApp):
    """An app in which sessions are made."""

    choices: Callable[[Repository], drafts.Choices]
    _is_picking = False  # whether it is asked which removed session to restore

    def place(self) -> Repository:
        """Return the repository of the chosen session, else the one that we are in."""
        row = self.chosen()
        return row.session.repository if row else self.repository

    def places(self) -> list[Repository]:
        """Return the repositories that are shown: first the one of the chosen session."""
        return list(dict.fromkeys([self.place(), *(source.repository for source in self.feed.sources)]))

    def refuses(self) -> bool:
        """Return whether nothing can be done, because the repository is gone; say so then."""
        gone = next((each for each in (self.place(), self.repository) if each in self.feed.gone), None)
        if gone is not None:
            self.tell(str(gone_error(gone)), is_error=True)
        return gone is not None

    async def run_action(
        self, action: str | ActionParseResult, default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:  # fmt: skip
        """Do what a key or a click is for; what acts on sessions is refused where the repository is gone."""
        if action in keys.ACTING:
            self.hush()
            if self.refuses():
                return True
        return await super().run_action(action, default_namespace, namespaces)

    def action_add(self) -> None:
        """Add a session."""
        self._open(drafts.Draft(self.place()))

    def _open(self, draft: drafts.Draft) -> None:
        from .forms import AddForm

        places = list(dict.fromkeys([draft.repository, *self.places()]))
        self.push_screen(AddForm(draft, places, self.choices, lambda form, words: self.begin(self._add(form, words))))

    async def _add(self, form: AddForm, words: list[str]) -> None:
        """Add what was filled in; the form goes once it is accepted, and has the error where it isn't."""
        draft, before = form.draft, self._keys()
        key = (str(draft.repository.main), draft.name)
        job = self.launch(f"Adding {draft.name or 'a session'}", "session.add", *words, at=draft.repository)

        def look() -> None:
            if key in self._keys() - before or job.seconds > SOON:
                self._close(form)

        await self.ended(job, look)
        if not job.code:
            self._close(form)
            self.tell_done(job)
        elif form in self.screen_stack:
            form.refuse(job.whole)
        elif key in self._keys() - before:  # as after a setup command that failed
            await self.explain(job, draft.repository)
        else:
            self._open(draft._replace(error=job.whole))

    def _close(self, form: AddForm) -> None:
        if self.screen is form:
            self.go_to(form.draft.name, form.draft.repository)
            form.dismiss(None)

    def _keys(self) -> set[Key]:
        return {row.key for row in self.feed.rows()}

    def action_restore(self) -> None:
        """Restore a removed session; a second key that comes before the question is there asks nothing more."""
        if not self._is_picking:
            self._is_picking = True
            self.begin(self._restore())

    async def _restore(self) -> None:
        try:
            picked = await self._pick_removed()
        finally:
            self._is_picking = False
        if picked is None:
            return
        place, chosen = picked
        self.go_to(chosen.name, place)
        if self._is_restoring(chosen.name, place):
            self.tell(f"{chosen.name} is already being restored.")
            return
        title, moment = f"Restoring {chosen.name}", f"--at={chosen.directory.name[:15]}"
        await self.act(title, "session.restore", chosen.name, moment, at=place)

    async def _pick_removed(self) -> tuple[Repository, Archive] | None:
        from .dialogs import Notice, Pick

        places = self.places()
        try:
            found = await asyncio.to_thread(lambda: list(_archives(places)))
        except SessionError as error:
            await self.push_screen_wait(Notice("The saved copies can't be read", str(error), True))
            return None
        if not found:
            self.tell("No removed session can be restored.", is_error=True)
            return None
        options = [(str(n), _removed_line(each, place if len(places) > 1 else None))
                   for n, (place, each) in enumerate(found)]  # fmt: skip
        picked = await self.push_screen_wait(Pick("Restore a removed session", options))
        return found[int(picked)] if picked else None

    def _is_restoring(self, name: str, at: Repository) -> bool:
        words, place = ("session.restore", name), self.elsewhere(at)
        commands = [job.command for job in self.jobs.running]
        return any((tuple(each.words[:2]), each.place) == (words, place) for each in commands)


def _archives(places: list[Repository]) -> Iterator[tuple[Repository, Archive]]:
    from ...store import archive

    for place in places:
        yield from ((place, each) for each in archive.list_archives(place))


def _removed_line(each: Archive, place: Repository | None) -> Text:
    """Return the line of a removed session; with its *place* where there are several."""
    from ...system import table, terminal
    from .. import details

    age, size = details.format_age(each.removed), table.format_size(each.size)
    where = f"{terminal.one_line(place.main.name)}  " if place else ""
    return Text.assemble(
        (f"{each.name:<28} ", "bold"), f"{age} ago  ", (f"{where}{each.facts['row']['branch']}  {size}", "dim")
    )
