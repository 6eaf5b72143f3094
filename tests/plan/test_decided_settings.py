"""Every setting that a session keeps reaches it: one that is lost on the way has no effect, and nobody sees it."""

from tasks.config.settings import Settings, parse_settings
from tasks.model import Repository, Session
from tasks.plan import contents
from testing.project import Project

# What `add` decides in another place, because it depends on more than the configuration.
_ELSEWHERE = {"preset", "project", "branch", "base", "worktree", "ports", "compose", "work_log"}
_SET = {
    "thin": ["dist"], "setup": ["a"], "teardown": ["b"], "verify": ["c"], "link": ["d"], "copy": ["e"],
    "variables": {"F": "g"}, "host": "h.localhost", "env_file": ".i", "env": {"j": {"K": "l"}}, "activate": "true",
}  # fmt: skip


def test_every_setting_that_is_kept_reaches_the_session(project: Project) -> None:
    repository = Repository(project.main, project.main / ".git")
    facts = dict.fromkeys(("name", "slug", "project", "branch", "component", "profile", "date"), "x")
    facts |= {"main": str(project.main), "worktree": str(project.worktree("x")), "component": "", "port": "1"}
    settings = parse_settings({**_SET, "windows": [{"name": "shell"}]})

    decided = contents.decide_contents(settings, facts, {}, repository)

    kept = {*Settings._fields} & {*Session._fields} - _ELSEWHERE
    assert kept <= {*decided}
    assert {key for key in kept - {"databases"} if not decided[key]} == set()
    assert decided["thin"] == ("dist",) and decided["teardown"] == ("b",) and decided["verify"] == ("c",)
