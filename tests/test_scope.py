"""Components: what is configured, which paths belong to one, and where that is told."""

import dataclasses

import pytest

from tasks import records, settings
from tasks.errors import SessionError
from tasks.model import Repository
from tasks.overlap import scope
from tasks.planning import contents
from tests import sessions
from tests.project import Project


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
    assert scope.outside([*inside, *outside], [part]) == tuple(sorted(outside))


def test_without_a_scope_nothing_is_outside_and_several_parts_add_up() -> None:
    assert scope.outside(["a", "b"], ()) == ()
    assert scope.outside(["a/1", "b/1", "c/1"], ("a", "b/*")) == ("c/1",)


def test_a_component_is_one_path_or_several_and_others_are_refused() -> None:
    configured = settings.load({"components": {"server": "src/server/", "ui": ["src/ui", "*.css"]}}).components

    assert configured == {"server": ["src/server"], "ui": ["src/ui", "*.css"]}
    assert (scope.of("ui", configured), scope.of("", configured), scope.of("any", {})) == (("src/ui", "*.css"), (), ())
    with pytest.raises(SessionError, match=r"component 'sever' is not configured; known: server, ui"):
        scope.of("sever", configured)
    for wrong, said in (
        ({"server": 5}, "session.components.server: expected a list"),
        ({"server": "../x"}, "session.components.server: .* leaves the repository"),
        ({"a b": "x"}, "session.components.a b: 'a b' cannot name a component"),
    ):
        with pytest.raises(SessionError, match=said):
            settings.load({"components": wrong})


def test_the_scope_is_decided_at_add_and_kept_in_the_row(project: Project) -> None:
    where = Repository(project.main, project.main / ".git")
    configured = settings.load({"components": {"ui": "web/"}, "windows": []})
    names = "name slug project main date profile branch worktree backend_port frontend_port".split()
    facts = {**dict.fromkeys(names, "1"), "component": "ui"}
    decided = contents.decide(configured, facts, {}, where)
    sessions.add(project, "x")
    (session,) = sessions.all_of(project)

    row = records.row(dataclasses.replace(session, component="ui", scope=decided["scope"]))

    assert records.session("x", row, where, lambda: settings.load({})).scope == ("web",)


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
