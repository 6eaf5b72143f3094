"""What of a new session can begin while git still writes its files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

from ..model import Repository, Session
from ..system import shell
from ..tools import git

# Names with a dot that no shell looks for when it starts, or before its prompt; for all others it may: .envrc, .nvmrc.
_UNREAD = frozenset(
    ".browserslistrc .circleci .claude .codecov.yml .coveragerc .cursor .devcontainer .dockerignore .editorconfig"
    " .env.example .env.sample .env.template .eslintignore .eslintrc .eslintrc.cjs .eslintrc.js .eslintrc.json .flake8"
    " .gitattributes .github .gitignore .gitkeep .gitlab .gitlab-ci.yml .gitmodules .idea .mailmap .markdownlint.json"
    " .mcp.json .npmignore .npmrc .pre-commit-config.yaml .prettierignore .prettierrc .prettierrc.json .pylintrc"
    " .pytest.ini .readthedocs.yaml .readthedocs.yml .ruff.toml .storybook .stylelintrc .vscode".split()
)
_READ = frozenset("Pipfile default.nix devbox.json devenv.nix flake.nix mise.toml shell.nix".split())


def windows_early(session: Session) -> Session | None:
    """Return *session* with windows that can open before its files are there; None where only these can tell.

    Its shells must find what they would find later: their directories, and nothing there that they read.
    """
    directories = _directories(window.directory for window in session.windows)
    if directories is None or _is_sparse(session.repository):
        return None
    main, commit = str(session.repository.main), session.tip if session.creates_branch else session.branch
    hook = shell.begin_step("git", "-C", main, "rev-parse", "--git-path", "hooks/post-checkout")
    listed = git.read_git(session.repository.main, "ls-tree", "-z", "--name-only", commit, "--", "./", *directories)
    paths = listed.split("\0")[:-1]
    names = {os.path.basename(path) for path in paths}
    if _is_used(session.repository, hook.finish()) or names & _READ or not _dotted(names) <= _UNREAD:
        return None
    if not all(any(path.startswith(each) for path in paths) for each in directories):
        return None
    if not {f"{_below(window.directory)}{window.needs}" for window in session.windows if window.needs} <= {*paths}:
        return None
    return session._replace(windows=tuple(window._replace(needs="") for window in session.windows))


def await_directories(session: Session, has_ended: Callable[[], bool]) -> bool:
    """Wait until git has made the directories of the windows, or *has_ended*; return whether they are there.

    Nobody else may make them: git would find none, fail to make its own, and delete the worktree.
    """
    places = [session.worktree / window.directory for window in session.windows]
    while not all(place.is_dir() for place in places):
        if has_ended():
            return all(place.is_dir() for place in places)
        time.sleep(0.001)
    return True


def _directories(paths: Iterable[str]) -> list[str] | None:
    """Return *paths*, which are relative, and what is above them, each with a slash at its end; None for an odd one."""
    found = set[str]()
    for path in paths:
        parts = path.split("/") if path else []
        if {"", ".", "..", ".git"} & {*parts}:
            return None
        found |= {f"{'/'.join(parts[:count])}/" for count in range(1, len(parts) + 1)}
    return sorted(found)


def _below(directory: str) -> str:
    return f"{directory}/" if directory else ""


def _dotted(names: Iterable[str]) -> set[str]:
    return {name for name in names if name.startswith(".")}


def _is_sparse(repository: Repository) -> bool:
    return (repository.common / "info" / "sparse-checkout").exists()


def _is_used(repository: Repository, answer: str) -> bool:
    """Return whether git runs a hook after a checkout, or one of a directory of hooks that may be in the worktree."""
    hook = repository.main / answer.rstrip("\n")
    return hook.exists() or hook.parent.resolve() != (repository.common / "hooks").resolve()
