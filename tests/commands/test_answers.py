"""What tasks print with --json, against the JSON Schema that the manual has."""

from typing import Any

import jsonschema
import pytest

from tasks.collection import ns
from testing import origin
from testing.answers import SCHEMA, check_answer
from testing.project import Project


def test_every_task_with_json_has_its_answer_in_the_schema() -> None:
    names = {name for name in ns.task_names if any("json" in argument.names for argument in ns[name].get_arguments())}
    described = {name.partition(" ")[0] for name in SCHEMA["$defs"] if "." in name}

    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert not {name for name in names if not {name, name.replace("fleet.", "session.")} & described}
    assert described <= names


def test_answers_are_as_the_schema_says(project: Project) -> None:
    project.configure("session: {windows: [{name: shell}], components: {server: backend/}}\n")
    origin.share(project)
    (project.main / "begun").touch()

    def ask(task: str, *words: str, under: str = "", code: int | None = 0) -> Any:
        answer = project.inv(f"session.{task}", *words, "--json", code=code).json
        check_answer(answer, under or f"session.{task}")
        return answer

    ask("adopt", "z")
    ask("add", "x", "--component", "server")
    (project.worktree("x") / "new").touch()
    for task in ("list", "conflicts", "doctor", "config"):
        ask(task, code=None)
    for task in ("show", "env", "permissions", "stop", "start", "resume", "sync"):
        ask(task, "x")
    ask("compare", "x", "z")
    assert [each["path"] for each in ask("diff", "x")[0]["files"]] == ["new"]
    ask("remove", "x", "--dry-run", "--force", under="session.remove --dry-run")
    assert ask("remove", "x", "z", "--force")[0]["saved"]["uncommitted"]
    assert len(ask("list", "--removed", under="session.list --removed")) == 2
    ask("restore", "x")
    ask("rename", "x", "y")
    ask("rename", "y", "x")
    origin.commit(project, project.worktree("x"), "new", "work")
    ask("pr", "x")
    assert ask("merge", "x", "--remove")["removed"]["name"] == "x"
    assert [each["name"] for each in ask("prune", "z", "--yes")["deleted"]] == ["z"]


def test_what_is_missing_is_seen() -> None:
    with pytest.raises(jsonschema.ValidationError, match="'saved' is a required property"):
        check_answer([{"name": "x", "branch": "x", "kept_volumes": []}], "session.remove")
