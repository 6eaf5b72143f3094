"""The JSON Schema in the manual for what tasks print with --json."""

import json
from typing import Any

import jsonschema

from testing.project import CHECKOUT

SCHEMA = json.loads((CHECKOUT / "docs" / "answers.schema.json").read_text())


def check_answer(answer: Any, name: str) -> None:
    """Raise `jsonschema.ValidationError` unless *answer* is as the schema describes it under *name*."""
    jsonschema.validate(answer, {**SCHEMA, "$ref": f"#/$defs/{name}"}, jsonschema.Draft202012Validator)
