"""Rules are added to the text of a JSON file: every other byte stays."""

import json
from pathlib import Path

import pytest

from tasks.claude import rules
from tasks.errors import SessionError
from tasks.model import Repository
from tasks.system import json_splice

_PLACES = ("permissions", "allow")
_TEXTS = (
    ('{"permissions": {"allow": ["A"]}}', '{"permissions": {"allow": ["A", "B", "C"]}}'),
    ('{"permissions":{"allow":["A","Z"]}}', '{"permissions":{"allow":["A","Z","B","C"]}}'),
    ("{}", '{\n  "permissions": {\n    "allow": [\n      "B",\n      "C"\n    ]\n  }\n}'),
    ('{"a": 1}\n', '{"a": 1, "permissions": {"allow": ["B", "C"]}}\n'),
    (
        '{\r\n\t"a": 1\r\n}',
        '{\r\n\t"a": 1,\r\n\t"permissions": {\r\n\t\t"allow": [\r\n\t\t\t"B",\r\n\t\t\t"C"\r\n\t\t]\r\n\t}\r\n}',
    ),
    (
        '{\n "permissions": {\n  "deny": []\n }\n}',
        '{\n "permissions": {\n  "deny": [],\n  "allow": [\n   "B",\n   "C"\n  ]\n }\n}',
    ),
    ('{\n "permissions": {\n  "allow": []\n }\n}', '{\n "permissions": {\n  "allow": [\n   "B",\n   "C"\n  ]\n }\n}'),
    (
        '\ufeff{"permissions": {"allow": ["lost"]}, "n": 1.00000000000000000001, "permissions": {"allow": [1], '
        '"allow": [\r\n    "A]\\"}"  \r\n  ]}, "n": 1e400}\r\n\r\n',
        '\ufeff{"permissions": {"allow": ["lost"]}, "n": 1.00000000000000000001, "permissions": {"allow": [1], '
        '"allow": [\r\n    "A]\\"}",\r\n    "B",\r\n    "C"  \r\n  ]}, "n": 1e400}\r\n\r\n',
    ),
)  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), _TEXTS)
def test_strings_are_added_in_the_manner_of_the_file(text: str, expected: str) -> None:
    made = json_splice.add_values(text, _PLACES, ["B", "C"])

    assert made == expected
    before, after = json.loads(text.removeprefix("\ufeff")), json.loads(made.removeprefix("\ufeff"))
    assert after["permissions"]["allow"] == [*before.get("permissions", {}).get("allow", []), "B", "C"]


def test_what_is_no_list_is_refused() -> None:
    with pytest.raises(TypeError):
        json_splice.add_values('{"permissions": {"allow": {}}}', _PLACES, ["B"])


def test_a_merge_of_rules_changes_no_other_byte(sandbox: Path) -> None:
    repository = Repository(sandbox / "main", sandbox / "main" / ".git")
    file = repository.main / rules.FILE
    file.parent.mkdir(parents=True)
    repository.common.mkdir()
    before = '\ufeff{"env":{"A":"1","A":"2"},\r\n "x": 0.10000000000000000555,\r\n'
    before += ' "permissions": {"deny":["Z"],"allow": ["A"]}}'
    file.write_bytes(before.encode())

    rules.merge_rules(repository, {}, {"allow": ["A", "Bash(é \x1b)"], "deny": ["D"]})

    after = file.read_bytes().decode()
    assert after == before.replace('["A"]', '["A", "Bash(\\u00e9 \\u001b)"]').replace('["Z"]', '["Z", "D"]')
    file.write_bytes(json.dumps({"permissions": {}}).encode("utf-16"))
    with pytest.raises(SessionError, match="is not UTF-8"):
        rules.merge_rules(repository, {}, {"allow": ["A"]})


_PROJECTS = (
    '{\n  "n": 41,\n  "projects": {\n    "/a": {\n      "x": 1.50\n    },\n    "/b": {}\n  },\n  "z": "\\u00e9 é"\n}',
    '{"projects":{"/a":{"x":1.50}},"last":1e2}',
    '{"projects" : {} , "tips": {"/a": 3}}',
    '\t{"projects": {"/a": 1, "/b": [2], "/c": 3}}\n',
)


@pytest.mark.parametrize("text", _PROJECTS)
def test_one_member_is_put_and_dropped_and_every_other_byte_stays(text: str) -> None:
    whole = json.loads(text)

    for key in ("/a", "/c", '/é "new"'):
        made = json_splice.put_member(text, ["projects"], key, {"allowedTools": ["A", "é"]})
        without = json_splice.drop_member(made, ["projects"], key)

        assert json.loads(made) == {**whole, "projects": {**whole["projects"], key: {"allowedTools": ["A", "é"]}}}
        left = {name: value for name, value in whole["projects"].items() if name != key}
        assert json.loads(without) == {**whole, "projects": left}
        if key not in whole["projects"] and left:
            assert without == text
