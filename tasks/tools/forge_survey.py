"""Ask a forge for the pull requests of branches, in the background, and note the answer in a file.

This is a program of its own that needs the standard library alone; `gh` or `glab` are bounded, and what fails is noted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

_PATIENCE = 45.0  # seconds for one answer
_NODES = (
    "nodes{number url state isDraft reviewDecision headRefOid isCrossRepository"
    " commits(last:1){nodes{commit{statusCheckRollup{state}}}}}"
)
_REVIEWS = {
    "APPROVED": "approved", "CHANGES_REQUESTED": "changes requested", "REVIEW_REQUIRED": "review required",
    "not_approved": "review required", "requested_changes": "changes requested",
}  # fmt: skip
_CHECKS = {
    "SUCCESS": "passed", "FAILURE": "failed", "ERROR": "failed", "PENDING": "running", "EXPECTED": "running",
    "success": "passed", "failed": "failed", "running": "running", "pending": "running", "created": "running",
    "preparing": "running", "waiting_for_resource": "running", "scheduled": "running",
}  # fmt: skip
_STATES = {"opened": "open", "locked": "open"}

Request = dict[str, Any]


def _ask(*argv: str) -> Any:
    """Return the JSON that *argv* prints; raises `OSError` with its reason when it fails."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"{argv[0]} didn't answer within {_PATIENCE:g} s") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise OSError(lines[0] if lines else f"{argv[0]} failed (exit code {done.returncode})")
    return json.loads(done.stdout)


def _from_github(branches: Sequence[str]) -> dict[str, list[Request]]:
    names = "".join(f",$b{n}:String!" for n in range(len(branches)))
    fields = " ".join(
        f"b{n}:pullRequests(headRefName:$b{n},first:5,orderBy:{{field:CREATED_AT,direction:DESC}}){{{_NODES}}}"
        for n in range(len(branches))
    )
    query = f"query($owner:String!,$name:String!{names}){{repository(owner:$owner,name:$name){{{fields}}}}}"
    values = [word for n, branch in enumerate(branches) for word in ("-f", f"b{n}={branch}")]
    argv = ("gh", "api", "graphql", "-F", "owner={owner}", "-F", "name={repo}", *values, "-f", f"query={query}")
    found = _ask(*argv)["data"]["repository"]
    return {branch: [_github(node) for node in found[f"b{n}"]["nodes"]] for n, branch in enumerate(branches)}


def _github(node: dict[str, Any]) -> Request:
    commits = node["commits"]["nodes"]
    rollup = (commits[0]["commit"]["statusCheckRollup"] if commits else None) or {}
    return {
        "number": node["number"], "url": node["url"], "state": node["state"].lower(), "draft": node["isDraft"],
        "review": _REVIEWS.get(node["reviewDecision"] or "", ""), "checks": _CHECKS.get(rollup.get("state", ""), ""),
        "head": node["headRefOid"], "foreign": node["isCrossRepository"],
    }  # fmt: skip


def _from_gitlab(branches: Sequence[str]) -> dict[str, list[Request]]:
    return {branch: _of_branch(branch) for branch in branches}


def _of_branch(branch: str) -> list[Request]:
    where = f"projects/:id/merge_requests?source_branch={quote(branch, safe='')}&per_page=5&order_by=created_at"
    listed = _ask("glab", "api", where)
    return [_gitlab(each, n == 0) for n, each in enumerate(listed)]


def _gitlab(listed: dict[str, Any], is_latest: bool) -> Request:
    more = _ask("glab", "api", f"projects/:id/merge_requests/{listed['iid']}") if is_latest else listed
    pipeline = more.get("head_pipeline") or {}
    return {
        "number": listed["iid"], "url": listed["web_url"], "state": _STATES.get(listed["state"], listed["state"]),
        "draft": bool(listed.get("draft")), "review": _REVIEWS.get(more.get("detailed_merge_status", ""), ""),
        "checks": _CHECKS.get(pipeline.get("status", ""), ""), "head": listed.get("sha") or "",
        "foreign": listed.get("source_project_id") != listed.get("target_project_id"),
    }  # fmt: skip


_WAYS: dict[str, Callable[[Sequence[str]], dict[str, list[Request]]]] = {
    "github": _from_github, "gitlab": _from_gitlab,
}  # fmt: skip


def main(kind: str, place: str, *branches: str) -> None:
    """Ask the forge *kind* for the requests of *branches*, from the current directory, and note them in *place*."""
    with suppress(OSError):
        os.nice(10)
    try:
        with open(place, encoding="utf-8") as file:
            known = json.load(file)
    except (OSError, ValueError):
        known = {}
    try:
        answer = {"asked": time.time(), "requests": _WAYS[kind](branches), "failure": ""}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:  # also an answer of another form
        answer = {**known, "failure": str(error) or type(error).__name__, "failed": time.time()}
    beside = f"{place}.{os.getpid()}.tmp"
    with suppress(OSError):
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump({**answer, "began": known.get("began", 0)}, file)
        os.replace(beside, place)


if __name__ == "__main__":
    main(*sys.argv[1:])
