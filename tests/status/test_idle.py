"""`stop --idle`: nobody attached, nothing printed, Claude not at work, for that long."""

import pytest

from testing.project import Project, eventually

_RUN = "test {name} = x && cat || while sleep 0.2; do echo; done"


@pytest.mark.slow
def test_only_what_nobody_used_for_that_long_is_stopped(project: Project) -> None:
    project.configure(f"session: {{windows: [{{name: a, run: '{_RUN}'}}], ports: {{}}}}\n")
    for name in ("x", "y"):  # y prints all the time
        project.inv("session.add", name)
    assert "must be a time such as 30m, 2h or 1d" in project.inv("session.stop", "--idle", "long", code=1).err
    assert "No session has been idle for that long." in project.inv("session.stop", "--idle", "2h").err
    assert project.listed("x")["status"] == "running"

    eventually(lambda: "Stopped x." in project.inv("session.stop", "--idle", "20s").out)

    assert project.listed("y")["status"] == "running"
