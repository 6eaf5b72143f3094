"""What `show` advises next."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tasks.model import Repository, Session
from tasks.status import next_steps


@pytest.mark.parametrize(("minutes", "is_new"), [(0, True), (2, True), (4, False), (4000, False)])
def test_servers_of_a_new_session_may_be_starting(tmp_path: Path, minutes: int, is_new: bool) -> None:
    created = (datetime.now().astimezone() - timedelta(minutes=minutes)).isoformat()
    session = Session("x", "x", Repository(tmp_path, tmp_path), tmp_path, "x", {}, "tally-x", created=created)

    assert next_steps._is_new(session) is is_new
    assert not next_steps._is_new(session._replace(created=""))
