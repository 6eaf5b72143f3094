"""What tasks print with --json, against the JSON Schema that the manual has."""

import json
from typing import Any

import jsonschema
import pytest

import tasks
from testing import origin
from testing.project import CHECKOUT, Project

_SCHEMA = json.loads((CHECKOUT / "docs" / "answers.schema.json").read_text())


def _check(answer: Any, name: str) -> None:
    jsonschema.validate(answer, {**_SCHEMA, "$ref": f"#/$defs/{name}"}, jsonschema.Draft202012Validator)


def test_every_task_with_json_has_its_answer_in_the_schema() -> None:
    names = {
        name
        for name in tasks.ns.task_names
        if any("json" in argument.names for argument in tasks.ns[name].get_arguments())
    }
    described = {name.partition(" ")[0] for name in _SCHEMA["$defs"] if "." in name}

    jsonschema.Draft202012Validator.check_schema(_SCHEMA)
    assert not {name for name in names if not {name, name.replace("fleet.", "session.")} & described}
    assert described <= names


def test_answers_are_as_the_schema_says(project: Project) -> None:
    project.configure("session: {windows: [{name: shell}], components: {server: backend/}}\n")
    origin.share(project)
    (project.main / "begun").touch()

    def ask(task: str, *words: str, under: str = "", code: int | None = 0) -> Any:
        answer = project.inv(f"session.{task}", *words, "--json", code=code).json
        _check(answer, under or f"session.{task}")
        return answer

    ask("adopt", "z")
    ask("add", "x", "--component", "server")
    (project.worktree("x") / "new").touch()
    for task in ("list", "conflicts", "doctor", "config"):
        ask(task, code=None)
    for task in ("show", "env", "permissions", "stop", "start", "resume", "sync"):
        ask(task, "x")
    ask("compare", "x", "z")
    ask("remove", "x", "--dry-run", "--force", under="session.remove --dry-run")
    assert ask("remove", "x", "z", "--force")[0]["saved"]["uncommitted"]
    assert len(ask("list", "--removed", under="session.list --removed")) == 2
    ask("restore", "x")
    origin.commit(project, project.worktree("x"), "new", "work")
    ask("pr", "x")
    assert ask("merge", "x", "--remove")["removed"]["name"] == "x"
    assert [each["name"] for each in ask("prune", "z", "--yes")["deleted"]] == ["z"]


def test_what_is_missing_is_seen() -> None:
    with pytest.raises(jsonschema.ValidationError, match="'saved' is a required property"):
        _check([{"name": "x", "branch": "x", "kept_volumes": []}], "session.remove")
