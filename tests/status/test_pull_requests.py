"""Pull requests and their checks beside the sessions: asked in the background, by a stand-in for gh and glab."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from testing import sessions
from testing.answers import check_answer
from testing.project import Project, eventually

_HEAD = "{head}"
_GH = """#!/bin/sh
printf '%s\\n' "$@" > {place}/asked.tmp; pwd >> {place}/asked.tmp; echo >> {place}/count
mv {place}/asked.tmp {place}/asked
while [ -e {place}/hold ]; do sleep 0.05; done
if [ -e {place}/fail ]; then echo 'To get started with GitHub CLI, please run: gh auth login' >&2; exit 4; fi
cat {place}/answer
"""
_GLAB = """#!/bin/sh
case "$2" in *\\?*) cat {place}/listed ;; *) cat {place}/one ;; esac
"""


def _node(number: int, head: str, **facts: Any) -> dict[str, Any]:
    rollup = facts.pop("rollup", "SUCCESS")
    return {
        "number": number, "url": f"https://github.com/me/it/pull/{number}", "state": "OPEN", "isDraft": False,
        "reviewDecision": None, "headRefOid": head, "isCrossRepository": False,
        "commits": {"nodes": [{"commit": {"statusCheckRollup": {"state": rollup} if rollup else None}}]}, **facts,
    }  # fmt: skip


@pytest.fixture
def forge(sandbox: Path) -> Project:
    """Return a repository at GitHub with the sessions a, b and c."""
    project = sessions.repository(sandbox / "it", {"x": "1\n"})
    project.git("remote", "add", "origin", "git@github.com:me/it.git")
    for name in ("a", "b", "c"):
        sessions.add(project, name, {name: "1\n"})
    _write(sandbox, "gh", _GH)
    return project


def _write(sandbox: Path, name: str, text: str) -> None:
    (sandbox / "bin" / name).write_text(text.format(place=sandbox))
    (sandbox / "bin" / name).chmod(0o755)


def _answer(sandbox: Path, *nodes: list[dict[str, Any]]) -> None:
    fields = {f"b{n}": {"nodes": each} for n, each in enumerate(nodes)}
    (sandbox / "answer").write_text(json.dumps({"data": {"repository": fields}}))


def _cache(project: Project) -> dict[str, Any]:
    file = project.main / ".git" / "tally-sessions" / "pull-requests.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def _age(project: Project, seconds: float) -> None:
    """Make what is known older by so many *seconds*."""
    file = project.main / ".git" / "tally-sessions" / "pull-requests.json"
    known = json.loads(file.read_text())
    older = {key: known[key] - seconds for key in ("asked", "began", "failed") if key in known}
    file.write_text(json.dumps({**known, **older}))


def _cells(project: Project) -> dict[str, str]:
    lines = project.inv("session.list", "--format", "name,pr", "--plain").out.splitlines()
    return dict(line.split("\t") for line in lines)


def test_numbers_reviews_and_checks_come_in_the_background(forge: Project, sandbox: Path) -> None:
    head = {name: forge.git("rev-parse", name) for name in "abc"}
    _answer(
        sandbox,
        [_node(7, "elsewhere", reviewDecision="CHANGES_REQUESTED", rollup="FAILURE"), _node(3, "old", state="MERGED")],
        [_node(9, "theirs", isCrossRepository=True), _node(8, head["b"], state="MERGED")],
        [_node(2, "before", state="CLOSED")],
    )
    (sandbox / "hold").touch()

    started = time.monotonic()
    first = forge.inv("session.list").out
    assert time.monotonic() - started < 30  # the forge does not answer until the file is gone
    assert " pr" not in first.splitlines()[0]
    forge.inv("session.list")
    eventually(lambda: (sandbox / "asked").is_file())
    (sandbox / "hold").unlink()
    eventually(lambda: _cache(forge).get("requests"))

    assert _cells(forge) == {"a": "#7 changes requested, checks failed", "b": "#8 merged", "c": ""}
    assert (sandbox / "count").read_text() == "\n"  # one question for all, however often it is listed
    words = (sandbox / "asked").read_text().splitlines()
    assert words[:2] == ["api", "graphql"]
    assert [word for word in words if word.startswith("b")] == ["b0=a", "b1=b", "b2=c"]
    assert words[-1] == str(forge.main)
    records = forge.inv("session.list", "--json").json
    check_answer(records, "session.list")
    assert records[0]["pull_request"]["url"] == "https://github.com/me/it/pull/7"
    assert "pull_request" not in records[2]
    assert "#7 changes requested, checks failed https://github.com/me/it/pull/7" in forge.inv("session.show", "a").out
    assert forge.inv("session.list").out.splitlines()[0].split()[-1] == "pr"
    for name in "abc":
        forge.inv("session.remove", name, "--force")
    assert _cache(forge) == {}


def test_an_old_answer_has_its_age_and_a_failure_is_not_repeated(forge: Project, sandbox: Path) -> None:
    _answer(sandbox, [_node(7, "x", isDraft=True, rollup="PENDING")], [], [])
    forge.inv("session.list")
    eventually(lambda: _cache(forge).get("requests"))
    (sandbox / "fail").touch()
    _age(forge, 7200)

    assert _cells(forge)["a"] == "#7 draft, checks running (2h ago)"
    eventually(lambda: "gh auth login" in _cache(forge).get("failure", ""))
    _age(forge, 120)
    assert _cells(forge)["a"] == "#7 draft, checks running (2h ago)"
    assert (sandbox / "count").read_text() == "\n\n"
    _age(forge, 600)
    (sandbox / "fail").unlink()
    forge.inv("session.list")
    eventually(lambda: not _cache(forge)["failure"])
    (sandbox / "answer").write_text('{"data": {"repository": null}}')
    _age(forge, 120)
    forge.inv("session.list")
    eventually(lambda: _cache(forge)["failure"])
    assert _cells(forge)["a"].startswith("#7 draft")


def test_one_setting_turns_it_off_and_nothing_is_asked_where_there_is_nobody_to_ask(
    forge: Project, sandbox: Path
) -> None:
    assert forge.inv("session.list", env={"INVOKE_SESSION_PULL_REQUESTS": "false"}).out
    (forge.main / "invoke.yaml").write_text("session: {pull_requests: false}\n")
    forge.inv("session.list", "--all-repositories")
    forge.inv("session.show", "a")
    (forge.main / "invoke.yaml").write_text("session: {pull_requests: perhaps}\n")
    forge.inv("session.list")
    (forge.main / "invoke.yaml").unlink()
    forge.git("remote", "set-url", "origin", "/srv/github.com/it.git")
    forge.inv("session.list")

    assert not (forge.main / ".git" / "tally-sessions" / "pull-requests.json").exists()


def test_gitlab_is_asked_by_glab(forge: Project, sandbox: Path) -> None:
    forge.git("remote", "set-url", "origin", "https://gitlab.example.com/g/it.git")
    _write(sandbox, "glab", _GLAB)
    listed = {
        "iid": 4, "web_url": "https://gitlab.example.com/g/it/-/merge_requests/4", "state": "opened", "draft": False,
        "sha": "x", "source_project_id": 1, "target_project_id": 1,
    }  # fmt: skip
    (sandbox / "listed").write_text(json.dumps([listed]))
    more = {**listed, "detailed_merge_status": "requested_changes", "head_pipeline": {"status": "running"}}
    (sandbox / "one").write_text(json.dumps(more))

    forge.inv("session.list")
    eventually(lambda: _cache(forge).get("requests"))

    assert _cells(forge)["a"] == "#4 changes requested, checks running"


def test_what_is_noted_by_somebody_else_is_taken_for_nothing(forge: Project) -> None:
    file = forge.main / ".git" / "tally-sessions" / "pull-requests.json"
    file.parent.mkdir(exist_ok=True)
    now = time.time()
    for text in (
        "{",
        "[]",
        f'{{"began": {now}, "requests": {{"a": [{{"number": "x"}}, 3], "b": 1}}}}',
        '{"asked": "x"}',
    ):
        file.write_text(text)
        assert _cells(forge) == {"a": "", "b": "", "c": ""}
    file.unlink()
    file.mkdir()  # or a link that leads nowhere: neither may keep anybody from listing
    assert set(_cells(forge)) == {"a", "b", "c"}
