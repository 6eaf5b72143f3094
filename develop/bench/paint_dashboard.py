"""Show the dashboard of the repository here, without a terminal, until it was painted: at `first`, or `complete`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from invoke.config import Config
from invoke.context import Context

from tasks.commands import watch
from tasks.status import feed
from tasks.tools import git
from tasks.views.dashboard import app


class _Timed(app.Dashboard):
    """A dashboard that ends as soon as it was painted."""

    def show(self) -> None:
        """Show it, and end if that was it."""
        super().show()
        is_painted = self.feed.complete_at if sys.argv[1] == "complete" else self.painted_at
        if is_painted and self.feed.rows():
            self.call_after_refresh(self.exit)


def main() -> None:
    """Run it, and end without waiting for what still looks."""
    config = Config(project_location=Path.cwd())
    config.load_project()
    repository, context = git.current_repository(), Context(config)
    setup = app.Setup(repository, feed.Feed([watch.source_of(context, repository)]))
    _Timed(setup).run(headless=True, size=(150, 40))
    sys.stdout.flush()
    os._exit(0)


main()
