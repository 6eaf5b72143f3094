"""The CI workflow: what it runs, and that it has few rights."""

import re
from typing import Any

import yaml

from testing.project import CHECKOUT

_FILES = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))
_TEXTS = [file.read_text(encoding="utf-8") for file in _FILES]
_JOBS: list[dict[str, Any]] = [job for text in _TEXTS for job in yaml.safe_load(text)["jobs"].values()]
_STEPS: list[dict[str, Any]] = [step for job in _JOBS for step in job["steps"]]


def test_every_action_is_one_commit_and_says_which_release_that_is() -> None:
    used = [line for text in _TEXTS for line in re.findall(r"uses: *(.+)", text)]

    assert len(used) == len([step for step in _STEPS if "uses" in step]) > 0
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_it_may_read_the_repository_and_nothing_else() -> None:
    for text in _TEXTS:
        assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
        assert not re.search(r"secrets|pull_request_target|workflow_run|: write|GITHUB_TOKEN", text)
        assert yaml.safe_load(text)["concurrency"]["cancel-in-progress"] is True
    assert all(job["timeout-minutes"] <= 60 and "permissions" not in job for job in _JOBS)
    checkouts = [step for step in _STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert [step for step in checkouts if step["with"]["persist-credentials"] is not False] == []
    # A name that somebody else chooses, such as a branch, never becomes part of a command.
    assert [step for step in _STEPS if "${{" in step.get("run", "")] == []


def test_the_linter_the_types_and_the_tests_run_on_every_python_and_both_systems() -> None:
    oldest = re.search(r'requires-python = ">=3\.(\d+)"', (CHECKOUT / "pyproject.toml").read_text())
    assert oldest is not None
    (matrix,) = [job["strategy"]["matrix"] for job in _JOBS if "strategy" in job]

    assert matrix["python"] == [f"3.{minor}" for minor in range(int(oldest[1]), 15)]
    assert [each.split("-")[0] for each in matrix["os"]] == ["ubuntu", "macos"]
    assert {"inv check", "inv test"} <= {step.get("run") for step in _STEPS}
