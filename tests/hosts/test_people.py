"""Two people, each with a HOME, a key and a clone of their own, on the same accounts of the same hosts."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testing import missing, origin
from testing.hosts import Fleet
from testing.project import Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")


@dataclass
class Colleague:
    """Somebody else: the clone, and the environment in which everything of theirs runs."""

    project: Project
    environment: dict[str, str]

    def inv(self, *arguments: str, code: int = 0) -> Any:
        return self.project.inv(*arguments, code=code, env=self.environment)


@pytest.fixture
def colleague(ready: Fleet, sandbox: Path) -> Iterator[Colleague]:
    """Return a colleague whose key has a passphrase; an agent has it once `load` was called."""
    missing.require("ssh-agent", "ssh-add")
    home, mine = sandbox / "colleague", Path.home()
    keys = home / ".ssh"
    keys.mkdir(parents=True, mode=0o700)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a secret", "-f", str(keys / "id")], check=True)
    for machine in (ready.alpha, ready.beta):
        with (machine.top / "authorized_keys").open("a") as file:
            file.write((keys / "id.pub").read_text())
    (keys / "config").write_text(
        (mine / ".ssh" / "config").read_text().replace(str(mine / ".ssh" / "id"), str(keys / "id"))
    )
    ssh = sandbox / "bin" / "ssh"
    ssh.write_text(ssh.read_text().replace(str(mine / ".ssh" / "config"), '"$HOME/.ssh/config"'))
    for name in (".invoke.yaml", ".bash_profile"):
        shutil.copy(mine / name, home / name)
    (home / ".gitconfig").write_text("[user]\n\tname = Colleague\n\temail = colleague@example.org\n")
    project = Project(home / "dev" / "tally")
    ready.here.git("clone", "--quiet", str(ready.here.main), str(project.main))
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(home / "agent")], stdout=subprocess.DEVNULL)
    around = {"HOME": home, "SSH_AUTH_SOCK": home / "agent", "XDG_STATE_HOME": home / "state"}
    yield Colleague(project, {key: str(value) for key, value in around.items()})
    agent.terminate()
    agent.wait()


def _load(colleague: Colleague) -> None:
    """Give the agent the colleague's key, as `ssh-add` does after it asked for the passphrase."""
    home = Path(colleague.environment["HOME"])
    ask = home / "ask"
    ask.write_text("#!/bin/sh\necho a secret\n")
    ask.chmod(0o755)
    around = {**os.environ, **colleague.environment, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
    subprocess.run(["ssh-add", "-q", str(home / ".ssh" / "id")], env=around, check=True, stdin=subprocess.DEVNULL)


@pytest.mark.slow
def test_each_works_on_their_own_sessions_and_nothing_is_mixed(ready: Fleet, colleague: Colleague) -> None:
    here, alpha = ready.here, ready.alpha
    here.configure("session: {windows: []}\n")
    here.inv("fleet.add", "x", "--host", "alpha", "--bare")
    refused = colleague.inv("fleet.add", "y", "--host", "alpha", "--bare", code=1).err
    assert "it refuses your keys. Load a key with a passphrase (ssh-add)" in refused
    _load(colleague)

    assert "x is already on alpha" in colleague.inv("fleet.add", "x", "--host", "beta", code=1).err
    colleague.project.git(
        "-c", "user.name=C", "-c", "user.email=c@x", "commit", "--quiet", "--allow-empty", "-m", "mine"
    )
    colleague.inv("fleet.add", "y", "--host", "alpha", "--bare")
    listed = here.inv("fleet.list", "--json").json
    assert {each["name"]: each["owner"] for each in listed if "name" in each} == {"x": "Test", "y": "Colleague"}
    numbers = [port for each in listed if "name" in each for port in each["ports"].values()]
    assert len(set(numbers)) == 4, "no port of the fleet is used twice"

    for mine, theirs, person in ((here, "y", "Colleague"), (colleague, "x", "Test")):
        assert f"{theirs} belongs to {person}" in mine.inv("fleet.remove", theirs, code=1).err
    done = origin.commit(here, alpha.main.with_name("tally-x"), "new", "work\n")
    before = colleague.project.git("rev-parse", "main")
    here.inv("fleet.merge", "x", "--remove")
    assert here.git("rev-parse", "main") == done
    assert colleague.project.git("rev-parse", "main") == before
    assert "y on alpha" not in here.inv("fleet.show", "y").err
    there = alpha.main.with_name("tally-y")
    assert here.git("log", "-1", "--format=%s", cwd=there) == "mine", "what my merge did is none of the colleague's"


@pytest.mark.slow
def test_two_people_add_one_name_at_once(ready: Fleet, colleague: Colleague) -> None:
    ready.here.configure("session: {windows: []}\n")
    _load(colleague)
    command = [str(Path(sys.executable).with_name("inv")), "fleet.add", "x", "--bare", "--host"]
    adding = [
        subprocess.Popen(
            [*command, host], cwd=project.main, stderr=subprocess.PIPE, text=True, env={**os.environ, **around}
        )
        for project, host, around in (
            (ready.here, "alpha", dict[str, str]()), (colleague.project, "beta", colleague.environment)
        )
    ]  # fmt: skip
    said = [each.communicate(timeout=300)[1] for each in adding]

    assert sorted(each.returncode for each in adding) == [0, 1], said
    listed = ready.here.inv("fleet.list", "--json").json
    assert len([each for each in listed if each.get("name") == "x"]) == 1
