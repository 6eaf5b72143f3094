"""Components: what is configured, which paths belong to one, and where that is told."""

from functools import partial

import pytest

from tasks.config import components, settings
from tasks.errors import SessionError
from tasks.model import Repository
from tasks.plan import contents
from tasks.store import rows
from testing import sessions
from testing.project import Project


@pytest.mark.parametrize(
    ("part", "inside", "outside"),
    [
        ("docs/", ["docs/a", "docs/b/c"], ["docs2/a", "a/docs/b", "README.md"]),
        ("a/b", ["a/b", "a/b/c"], ["a/bc", "a"]),
        ("*.md", ["README.md"], ["docs/a.md", "README.mdx"]),
        ("**/*.md", ["README.md", "docs/x/a.md"], ["docs/x/a.py"]),
        ("src/*/api", ["src/x/api/deep/y"], ["src/x/y/api/z", "src/api/z"]),
        ("src/**", ["src/a/b"], ["lib/src/a"]),
        ("a?.[x]+", ["ab.[x]+"], ["a/.[x]+", "ab.xx"]),
        (".", ["anything/at all\nwith a line end"], []),
    ],
)
def test_a_path_covers_what_is_below_it_and_a_star_one_name(part: str, inside: list[str], outside: list[str]) -> None:
    assert components.outside_scope([*inside, *outside], [part]) == tuple(sorted(outside))


def test_without_a_scope_nothing_is_outside_and_several_parts_add_up() -> None:
    assert components.outside_scope(["a", "b"], ()) == ()
    assert components.outside_scope(["a/1", "b/1", "c/1"], ("a", "b/*")) == ("c/1",)


def test_a_component_is_one_path_or_several_and_others_are_refused() -> None:
    configured = settings.parse_settings(
        {"components": {"server": "src/server/", "ui": ["src/ui", "*.css"]}}
    ).components

    assert configured == {"server": ["src/server"], "ui": ["src/ui", "*.css"]}
    assert (
        components.component_scope("ui", configured),
        components.component_scope("", configured),
        components.component_scope("any", {}),
    ) == (("src/ui", "*.css"), (), ())
    with pytest.raises(SessionError, match=r'No component "sever" in the setting components\. Known: server, ui'):
        components.component_scope("sever", configured)
    for wrong, said in (
        ({"server": 5}, "session.components.server must be a list"),
        ({"server": "../x"}, "session.components.server: .* is outside of the repository"),
        ({"a b": "x"}, "session.components.a b: .a b. is not a valid name for a component"),
    ):
        with pytest.raises(SessionError, match=said):
            settings.parse_settings({"components": wrong})


def test_the_scope_is_decided_at_add_and_kept_in_the_row(project: Project) -> None:
    where = Repository(project.main, project.main / ".git")
    configured = settings.parse_settings({"components": {"ui": "web/"}, "windows": []})
    names = "name slug project main date profile branch worktree backend_port frontend_port".split()
    facts = {**dict.fromkeys(names, "1"), "component": "ui"}
    decided = contents.decide_contents(configured, facts, {}, where)
    sessions.add(project, "x")
    (session,) = sessions.all_of(project)

    row = rows.session_row(session._replace(component="ui", scope=decided["scope"]))

    assert rows.session_from_row(
        "x", row, where, partial(contents.complete_row, settings.parse_settings({}))
    ).scope == ("web",)


def test_list_and_show_flag_what_leaves_the_component(project: Project) -> None:
    facts = {"component": "ui", "scope": ("web/ui",)}
    worktree = sessions.add(project, "x", {"web/ui/a": "1", "web/b": "1"}, **facts)
    sessions.write(worktree, {"web/ui/new/c": "1", "other/ui/d": "1", "web/e": "1"})
    sessions.add(project, "tidy", {"web/ui/z": "1"}, **facts)

    listed = project.inv("session.list").out
    shown = project.inv("session.show", "x").out
    found = {each["name"]: each["outside"] for each in project.inv("session.list", "--json").json}

    assert found == {"x": ["other/ui/d", "web/b", "web/e"], "tidy": []}
    assert "ui, 3 outside\n" in listed
    assert "component  ui, 3 outside: web/ui\n" in shown
    assert "outside    web/b\n" in shown
