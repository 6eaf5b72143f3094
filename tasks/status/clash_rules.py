"""What two branches can't both have, though git merges it: data, one rule a line."""

from __future__ import annotations

import re
from typing import NamedTuple


class NumberRule(NamedTuple):
    """New files that match *path* and agree in `place` and `number`, or in what *content* finds, exclude each other."""

    what: str
    path: re.Pattern[str]
    fix: str
    content: re.Pattern[str] | None = None


def _rule(what: str, path: str, fix: str, content: str = "") -> NumberRule:
    return NumberRule(what, re.compile(path), fix, re.compile(content, re.MULTILINE) if content else None)


_DIRECTORY = r"(?P<place>(?:.*/)?%s/)"
NUMBERS = (
    _rule(
        "Django migration", _DIRECTORY % "migrations" + r"(?P<number>\d{4})_\w+\.py",
        "Merge one, sync the other, and make its migration again: python manage.py makemigrations",
    ),
    _rule(
        "Alembic revision after", _DIRECTORY % "versions" + r"\w+\.py",
        "Merge one, sync the other, and set its down_revision to the new head: alembic heads",
        r"^down_revision(?:\s*:[^=]+)?\s*=\s*[\"'](?P<number>\w+)[\"']",
    ),
    _rule(
        "Rails migration", _DIRECTORY % "db/migrate" + r"(?P<number>\d+)_\w+\.rb",
        "Give one of them a later number: rename its file",
    ),
    _rule(
        "Prisma migration", _DIRECTORY % "prisma/migrations" + r"(?P<number>\d+)_[^/]+/migration\.sql",
        "Merge one, sync the other, and make its migration again: prisma migrate dev",
    ),
    _rule(
        "Flyway migration", r"(?P<place>(?:.*/)?)[VU](?P<number>\d+(?:[._]\d+)*)__.+\.sql",
        "Give one of them a later version: rename its file",
    ),
)  # fmt: skip

# Lock file -> what makes it again. Git may merge two of them into one that fits neither manifest.
LOCKS = {
    "package-lock.json": "npm install", "npm-shrinkwrap.json": "npm install", "pnpm-lock.yaml": "pnpm install",
    "yarn.lock": "yarn install", "bun.lock": "bun install", "bun.lockb": "bun install",
    "poetry.lock": "poetry lock", "Pipfile.lock": "pipenv lock", "uv.lock": "uv lock", "pdm.lock": "pdm lock",
    "Gemfile.lock": "bundle lock", "Cargo.lock": "cargo update --workspace", "composer.lock": "composer update --lock",
}  # fmt: skip
