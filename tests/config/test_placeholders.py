"""What `{word}` becomes in a value of the configuration."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.config.placeholders import expand_placeholders
from tasks.errors import SessionError

_FACTS = {"name": "feature/auth", "slug": "feature-auth", "backend_port": "8000"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{name}", "feature/auth"),
        ("{name}{slug}", "feature/authfeature-auth"),
        ("http://localhost:{backend_port}/", "http://localhost:8000/"),
        ("${name}", "${name}"),
        ("{{name}}", "{name}"),
        ("${{name}}", "${feature/auth}"),
        ("{}", "{}"),
        ("{0}", "{0}"),
        ("{ name }", "{ name }"),
        ('{"a": 1}', '{"a": 1}'),
        ("{{.Names}}", "{{.Names}}"),
        ("awk '{ print $1 }'", "awk '{ print $1 }'"),
        ("{name!r}", "{name!r}"),
        ("", ""),
    ],
)
def test_only_a_word_in_braces_is_a_placeholder(text: str, expected: str) -> None:
    assert expand_placeholders(text, _FACTS, "branch") == expected


def test_an_unknown_placeholder_names_the_key_the_word_and_what_is_known() -> None:
    with pytest.raises(SessionError) as error:
        expand_placeholders("x-{nmae}", _FACTS, "windows[2].run")

    said = str(error.value.message)
    assert "session.windows[2].run" in said
    assert "{nmae}" in said
    assert "backend_port, name, slug" in said
    assert "{{nmae}}" in said


def test_a_fact_that_looks_like_a_placeholder_is_not_expanded_again() -> None:
    assert expand_placeholders("{name}", {"name": "{slug}", "slug": "x"}, "branch") == "{slug}"


@given(st.text(alphabet=st.characters(exclude_characters="{}", exclude_categories=["Cs"])))
def test_text_without_braces_stays_as_it_is(text: str) -> None:
    assert expand_placeholders(text, _FACTS, "branch") == text
