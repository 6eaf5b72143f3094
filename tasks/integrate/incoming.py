"""Sessions that begin with what a forge has: a pull request's branch, or an issue's text."""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import SessionError, quote_text
from ..model import Repository, Request
from ..store import names
from ..system import progress, shell
from ..tools import git
from . import base as integrate_base
from . import pull_request

_PATIENCE = 60.0  # seconds for the forge, on another machine
_URL = re.compile(
    r"(?P<page>https?://[^/]+/.+?)/(?:-/)?(?:pull|pulls|merge_requests|issues)/(?P<number>\d+)(?:[/?#].*)?"
)
_PLACES = ("refs/pull/{}/head", "refs/merge-requests/{}/head")  # of GitHub and Gitea, of GitLab
_LONGEST_REF = 250  # a file's name in git's directory
_LONGEST = 40  # letters of a name that is made of a title


class Source(NamedTuple):
    """Where the commits of a request are: the branch *ref* of the remote *name* at *url*, to be merged into *base*."""

    number: str
    name: str
    url: str
    ref: str
    base: str = ""


def request_of_pull(request: Request, text: str, repository: Repository, fetches: bool) -> Request:
    """Return *request* for the branch of the pull request *text*, a number or an address, which is fetched if asked.

    Its remote is the fork's, so that a push goes back there. Raises `SessionError` where there is no such request.
    """
    remote, number = _find_remote(text, repository)
    source = _ask_forge(remote, number, repository) or _find_ref(remote, number, repository)
    source = _check_source(source, repository)
    branch = request.branch or _free_branch(source, repository)
    if fetches:
        _fetch(source, branch, repository)
    else:
        progress.notice(f"A dry run fetches nothing: the commits of {source.ref} come from {source.url}.")
    base = request.base or (f"{remote}/{source.base}" if source.base else "")
    return request._replace(
        name=request.name or f"pr-{number}", branch=branch, base=base, issue=request.issue or f"#{number}"
    )


def request_of_issue(request: Request, text: str, repository: Repository, converses: bool) -> Request:
    """Return *request* with the name, and if it *converses* the prompt, that the issue *text* has."""
    remote, number = _find_remote(text, repository)
    program, keys = _program(remote, repository), ("title", "body", "url")
    if program == "gh":
        issue = _ask(repository, "gh", "issue", "view", number, "--json", ",".join(keys))
    else:
        issue = _ask(repository, "glab", "issue", "view", number, "--output", "json")
        keys = ("title", "description", "web_url")
    title, body, url = (str(issue.get(key) or "").strip() for key in keys)
    if not title:
        raise SessionError(f"{program} knows no title of issue {number}.\nRun: {program} issue view {number}")
    parts = [request.prompt, title, body, url]
    prompt = "\n\n".join(filter(None, parts)) if converses else ""
    name = request.name or f"{number}-{_words(title)}".rstrip("-")
    return request._replace(name=name, prompt=prompt, issue=request.issue or url or f"#{number}")


def _words(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = "-".join(re.findall("[a-z0-9]+", plain))
    return words if len(words) <= _LONGEST else words[:_LONGEST].rpartition("-")[0] or words[:_LONGEST]


def _find_remote(text: str, repository: Repository) -> tuple[str, str]:
    """Return the remote that *text* is about, and the number in it."""
    remotes = integrate_base.list_remotes(repository)
    if not remotes:
        raise SessionError("There is no remote.\nRun: git remote add origin URL")
    if number := re.fullmatch(r"[#!]?(\d+)", text.strip()):
        return "origin" if "origin" in remotes else remotes[0], number[1]
    match = _URL.fullmatch(text.strip())
    if not match:
        raise SessionError(f'"{text}" is neither a number nor the address of a pull request or issue.')
    for remote in remotes:
        place = pull_request.find_forge(_url_of(repository, remote))
        if place and place.url.lower() == match["page"].lower():
            return remote, match["number"]
    raise SessionError(f"No remote of this repository is at {match['page']}.\nRun: git remote --verbose")


def _url_of(repository: Repository, remote: str) -> str:
    return git.read_git(repository.main, "config", "--get", f"remote.{remote}.url", check=False).strip()


def _program(remote: str, repository: Repository) -> str:
    """Return the program that knows the forge of *remote*."""
    place = pull_request.find_forge(_url_of(repository, remote))
    program = "glab" if place and place.kind == "gitlab" else "gh"
    if not shutil.which(program):
        raise SessionError(f"{program} is not installed, or not on PATH. Install it, then run: {program} auth login")
    return program


def _ask(repository: Repository, *argv: str) -> dict[str, Any]:
    answer = shell.read_output(*argv, cwd=repository.main, seconds=_PATIENCE)
    try:
        facts = json.loads(answer)
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        raise SessionError(f"{argv[0]} didn't answer in JSON.\nRun: {' '.join(argv)}")
    return facts


def _ask_forge(remote: str, number: str, repository: Repository) -> Source | None:
    """Return what `gh` or `glab` says of the request; None without them, as for Gitea."""
    url = _url_of(repository, remote)
    place = pull_request.find_forge(url)
    if place is None or not shutil.which("glab" if place.kind == "gitlab" else "gh"):
        return None
    if place.kind == "gitlab":
        facts = _ask(repository, "glab", "mr", "view", number, "--output", "json")
        source = Source(number, remote, url, _text(facts, "source_branch"), str(facts.get("target_branch") or ""))
        if facts.get("source_project_id") in (None, facts.get("target_project_id")):
            return source
        fork = _ask(repository, "glab", "api", f"projects/{facts['source_project_id']}")
        key = "http_url_to_repo" if "://" in url else "ssh_url_to_repo"
        return source._replace(name=_text(fork, "path_with_namespace").split("/")[0], url=_text(fork, key))
    if place.kind != "github":
        return None
    keys = "headRefName,headRepositoryOwner,headRepository,isCrossRepository,baseRefName"
    facts = _ask(repository, "gh", "pr", "view", number, "--json", keys)
    source = Source(number, remote, url, _text(facts, "headRefName"), str(facts.get("baseRefName") or ""))
    if not facts.get("isCrossRepository"):
        return source
    if not (facts.get("headRepositoryOwner") and facts.get("headRepository")):
        return None  # its fork was deleted
    owner, name = _text(facts, "headRepositoryOwner", "login"), _text(facts, "headRepository", "name")
    own = place.url.split("/", 3)[3]
    return source._replace(name=owner, url=url.replace(own, f"{owner}/{name}"))


def _text(facts: Any, *keys: str) -> str:
    """Return the text below *keys* in the answer of a forge."""
    for key in keys:
        facts = facts.get(key) if isinstance(facts, dict) else None
    if not (isinstance(facts, str) and facts):
        raise SessionError(f"The forge's answer has no {'.'.join(keys)}, so nothing was fetched.")
    return facts


def _check_source(source: Source, repository: Repository) -> Source:
    """Return *source*, with another name for its remote if that of another repository has it.

    Raises `SessionError` for names that git could take for something else.
    """
    ref = source.ref if source.ref.startswith("refs/") else f"refs/heads/{source.ref}"
    if len(ref) > _LONGEST_REF or not git.read_git(repository.main, "check-ref-format", "--print", ref, check=False):
        raise SessionError(f"Its branch has no name that git can fetch: {quote_text(source.ref)}")
    known = source.name in integrate_base.list_remotes(repository)
    if not known and not re.fullmatch(r"[A-Za-z0-9][\w.-]*", source.name, re.ASCII):
        raise SessionError(f"Its owner can't be the name of a remote: {quote_text(source.name)}")
    if known and _page(_url_of(repository, source.name)) != _page(source.url):
        return source._replace(name=f"pr-{source.number}")
    return source


def _page(url: str) -> str:
    place = pull_request.find_forge(url)
    return place.url.lower() if place else url


def _find_ref(remote: str, number: str, repository: Repository) -> Source:
    """Return the ref that the forge keeps for the request, or the branch of *remote* with the same commit."""
    places = [place.format(number) for place in _PLACES]
    lines = git.read_git(repository.main, "ls-remote", remote, *places, "refs/heads/*").splitlines()
    refs = {ref: commit for commit, _tab, ref in (line.partition("\t") for line in lines)}
    place = next((place for place in places if place in refs), "")
    if not place:
        raise SessionError(f"{remote} has no pull request {number}.\nRun: git ls-remote {remote} '{places[0]}'")
    same = [ref for ref, commit in refs.items() if ref.startswith("refs/heads/") and commit == refs[place]]
    if len(same) == 1:
        return Source(number, remote, _url_of(repository, remote), same[0].removeprefix("refs/heads/"))
    progress.notice(f"Nobody says which fork pull request {number} is from, so its branch can be pulled, not pushed.")
    return Source(number, f"pr-{number}", _url_of(repository, remote), place)


def _free_branch(source: Source, repository: Repository) -> str:
    """Return the name of the request's branch, if no branch here has it, and none of another remote."""
    others = (f"refs/remotes/{each}" for each in integrate_base.list_remotes(repository) if each != source.name)
    try:
        names.check_branch(source.ref)
    except SessionError:
        return f"pr-{source.number}"
    taken = any(git.resolve_commit(repository, f"{place}/{source.ref}") for place in ("refs/heads", *others))
    return f"pr-{source.number}" if source.ref.startswith("refs/") or taken else source.ref


def _fetch(source: Source, branch: str, repository: Repository) -> None:
    """Fetch the request's commits as the remote branch that *branch* will follow, and have pushes go back there."""
    remotes, main = integrate_base.list_remotes(repository), repository.main
    whole = source.ref if source.ref.startswith("refs/") else f"refs/heads/{source.ref}"
    spec = f"+{whole}:refs/remotes/{source.name}/{branch}"
    is_new = source.name not in remotes
    if is_new:
        git.run_git(main, "remote", "add", source.name, source.url)
        git.run_git(main, "config", "--replace-all", f"remote.{source.name}.fetch", spec)
    elif spec not in _values(repository, f"remote.{source.name}.fetch") and branch != source.ref:
        git.run_git(main, "config", "--add", f"remote.{source.name}.fetch", spec)
    back = f"refs/heads/{branch}:{whole}"
    if branch != source.ref and whole == f"refs/heads/{source.ref}" and back not in _values(
        repository, f"remote.{source.name}.push"
    ):  # fmt: skip
        git.run_git(main, "config", "--add", f"remote.{source.name}.push", back)
    try:
        with progress.show_busy("fetch", source.name):
            git.run_git(main, "fetch", "--quiet", "--no-recurse-submodules", source.name, spec)
    except BaseException:
        if is_new:
            git.run_git(main, "remote", "remove", source.name)
        raise


def _values(repository: Repository, key: str) -> Sequence[str]:
    return git.read_git(repository.main, "config", "--get-all", key, check=False).splitlines()
