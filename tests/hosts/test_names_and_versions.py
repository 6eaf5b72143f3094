"""Two people who rename to one name, hosts with another version of the tasks, and removal of what is merged."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from testing import origin
from testing.hosts import Fleet
from testing.project import INV, Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")

_PLAIN = "session: {windows: []}\n"


def _names(fleet: Fleet) -> list[str]:
    listed = fleet.here.inv("fleet.list", "--json").json
    return sorted(f"{each['name']} on {each['host']}" for each in listed if "name" in each)


@pytest.mark.slow
def test_of_two_people_who_rename_to_one_name_at_once_on_two_hosts_one_gets_it(ready: Fleet, sandbox: Path) -> None:
    here = ready.here
    here.configure(_PLAIN)
    colleague = Project(sandbox / "colleague" / "tally")
    colleague.main.parent.mkdir()
    here.git("clone", "--quiet", str(here.main), str(colleague.main))
    here.inv("fleet.add", "mine", "--host", "alpha", "--bare")
    colleague.inv("fleet.add", "theirs", "--host", "beta", "--bare")

    renaming = [
        subprocess.Popen([INV, "fleet.rename", name, "z"], cwd=project.main, stderr=subprocess.PIPE, text=True)
        for project, name in ((here, "mine"), (colleague, "theirs"))
    ]
    said = [each.communicate(timeout=300)[1] for each in renaming]

    assert sorted(each.returncode for each in renaming) == [0, 1], said
    assert "began to use the name z" in "".join(said) or "has a session z already" in "".join(said)
    first = renaming[0].returncode == 0
    assert _names(ready) == (["theirs on beta", "z on alpha"] if first else ["mine on alpha", "z on beta"])


@pytest.mark.slow
def test_a_name_that_somebody_else_is_taking_is_no_name_for_a_rename(ready: Fleet, sandbox: Path) -> None:
    here, colleague = ready.here, Project(sandbox / "colleague" / "tally")
    here.configure(_PLAIN)
    colleague.main.parent.mkdir()
    here.git("clone", "--quiet", str(here.main), str(colleague.main))
    here.inv("fleet.add", "mine", "--host", "alpha", "--bare")
    assert "Would rename mine to z" in here.inv("fleet.rename", "mine", "z", "--dry-run").out
    refused = colleague.inv("fleet.rename", "mine", "a-very-good-name", "--dry-run", code=None)
    assert "began" not in refused.err
    for machine in (ready.alpha, ready.beta):
        (machine.main.with_name("tally-z")).mkdir()  # so that the colleague's add fails after it claimed the name
    colleague.inv("fleet.add", "z", "--host", "beta", "--bare", code=1)

    assert "Test began to use the name z on a host" in here.inv("fleet.rename", "mine", "z", code=1).err
    assert _names(ready) == ["mine on alpha"]


@pytest.mark.slow
def test_tasks_of_another_version_are_told_where_a_session_is_merged_synced_or_proposed(ready: Fleet) -> None:
    here, alpha = ready.here, ready.alpha
    here.configure(_PLAIN)
    here.inv("fleet.add", "x", "--host", "alpha", "--bare")
    origin.commit(Project(alpha.main), alpha.main.with_name("tally-x"), "new", "work\n")
    linked = alpha.main / "tasks"
    source = linked.resolve()
    linked.unlink()
    shutil.copytree(source, linked, ignore=shutil.ignore_patterns("__pycache__"))
    assert "another version" not in here.inv("fleet.sync", "x").err
    (linked / "system" / "version.py").write_text((linked / "system" / "version.py").read_text() + "# older\n")

    fact = "The tasks on alpha are of another version than yours"
    for words in (("fleet.sync", "x"), ("fleet.pr", "x"), ("fleet.merge", "x"), ("fleet.merge", "--all")):
        said = here.inv(*words, code=None).err
        assert fact in said and "inv fleet.setup alpha" in said, words
        assert said.count(fact) == 1
