"""Whether a branch is merged, and what proves it: the same commits, the same patches to the byte, or the same files.

Patches are not compared with `git cherry`: that ignores white space, and an indented line is another program.
"""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterable, Iterator

from ..errors import OversizeError, SessionError, SilentError
from ..model import Repository
from ..system import progress, shell
from ..system.patterns import late_pattern
from . import git

_COMMIT = late_pattern(rb"[0-9a-f]{40,64}\n")
_PATCH = ("-r", "-p", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv", "--root")


def count_unmerged_commits(repository: Repository, tips: Iterable[str], into: Iterable[str]) -> int:
    """Return how many commits of *tips* are merged neither into *into* nor into a remote branch.

    A commit counts as merged where it is reachable, or where its patch is, commit by commit or squashed.
    """
    places = list(into)
    unmerged = [tip for tip in tips if not find_proof(repository, tip, places)]
    return git.count_unmerged(repository, unmerged, places) if unmerged else 0


def find_proof(repository: Repository, tip: str, into: Iterable[str]) -> str:
    """Return what proves that the work of *tip* is in *into* or on a remote, for people; empty when nothing does."""
    bases = list(into)
    if not git.count_unmerged(repository, [tip], bases):
        place = next((base for base in bases if not git.count_beyond(repository, tip, base)), "a remote branch")
        return f"{_short(place)} has its commits"
    places = (place for base in bases for place in (base, *_remote_namesakes(repository, base)))
    return next(filter(None, (_proof_at(repository, tip, place) for place in places)), "")


def find_merge(repository: Repository, tip: str, into: Iterable[str]) -> str:
    """Return what proves that the work of *tip* is in one of *into*; that it is on its own remote branch is none."""
    places = dict.fromkeys(each for base in into for each in (base, *_remote_namesakes(repository, base)))
    for place in places:
        if not git.resolve_commit(repository, place):
            continue
        if not git.count_beyond(repository, tip, place):
            return f"{_short(place)} has its commits"
        if proof := _proof_at(repository, tip, place):
            return proof
    return ""


def _short(name: str) -> str:
    return name.removeprefix("refs/heads/").removeprefix("refs/remotes/")


def _remote_namesakes(repository: Repository, branch: str) -> list[str]:
    form = "--format=%(refname)"
    output = git.read_git(repository.main, "for-each-ref", form, f"refs/remotes/*/{branch}", check=False)
    return output.split("\n")[:-1]


def _proof_at(repository: Repository, tip: str, place: str) -> str:
    fork = git.read_git(repository.main, "merge-base", tip, place, check=False).strip()
    if not fork:
        return ""
    own = _commits(repository, fork, tip)
    merges = git.read_git(repository.main, "rev-list", "--count", "--merges", f"{fork}..{tip}").strip() != "0"
    own_patches = dict(_patches(repository, "\n".join(own))) if own and not merges else {}
    commits_by_patch = {
        patch: commit for commit, patch in _patches(repository, "\n".join(_commits(repository, fork, place)))
    }
    if own_patches and commits_by_patch.keys() >= {*own_patches.values()}:  # what a merge itself changed is in no patch
        count = len(own_patches)
        return f"{_short(place)} has the same {f'{count} patches' if count > 1 else 'patch'}"
    whole = [patch for _, patch in _patches(repository, f"{tip} {fork}")]
    if whole and whole[0] in commits_by_patch:
        return f"{_short(place)} has all of it as one commit, {commits_by_patch[whole[0]][:10]}"
    if commit := _same_files(repository, fork, tip, place):
        return f"{_short(place)} has the same files in {commit[:10]}"
    return ""


def has_every_patch(repository: Repository, tip: str, place: str) -> bool:
    """Return whether *place* has the patch of each commit of *tip* beyond it, as after a rebase; no other proof."""
    own = git.read_git(repository.main, "rev-list", tip, "--not", place).split()
    fork = git.read_git(repository.main, "merge-base", tip, place, check=False).strip()
    if not fork or git.read_git(repository.main, "rev-list", "--merges", tip, "--not", place).strip():
        return False
    patches = dict(_patches(repository, "\n".join(own)))  # an empty commit has none
    others = {patch for _, patch in _patches(repository, "\n".join(_commits(repository, fork, place)))}
    return len(patches) == len(own) and others >= {*patches.values()}


def _commits(repository: Repository, fork: str, tip: str) -> list[str]:
    return git.read_git(repository.main, "rev-list", "--no-merges", f"{fork}..{tip}").split()


def _same_files(repository: Repository, fork: str, tip: str, place: str) -> str:
    """Return the newest commit of *place* since *fork* whose tree is that of *tip*; empty when there is none."""
    tree = git.read_git(repository.main, "rev-parse", f"{tip}^{{tree}}").strip()
    listed = git.read_git(repository.main, "log", "--no-show-signature", "--format=%H %T", f"{fork}..{place}")
    return next((line.split()[0] for line in listed.splitlines() if line.endswith(f" {tree}")), "")


def _patches(repository: Repository, commits: str) -> Iterator[tuple[str, str]]:
    """Yield each of the *commits*, one per line, with a digest of its patch, wherever in a file that applies.

    An empty commit is left out. With two commits in a line the first is compared with the second instead of its parent.
    """
    import hashlib  # which loads OpenSSL

    argv = ("git", "-C", str(repository.main), "diff-tree", "--stdin", *_PATCH)
    try:
        code, output, errors = shell.read_bytes(*argv, given=f"{commits}\n".encode())
    except (OversizeError, SilentError) as error:
        progress.notice(str(error))
        return  # what was not compared proves nothing
    if code:
        where = shlex.quote(str(repository.main))
        raise SessionError(f"git diff-tree failed in {repository.main}: {errors.strip()}\nRun: git -C {where} fsck")
    commit, index, digest = "", b"", None
    for line in io.BytesIO(output):  # `splitlines` would also split at \r
        if _COMMIT.fullmatch(line):
            if commit and digest:
                yield commit, digest.hexdigest()
            commit, digest = line.decode().strip(), None
        elif line.startswith(b"index "):
            index = line  # a text file's blob ids are not part of its patch, a binary one has nothing else
        else:
            digest = digest or hashlib.sha256()
            digest.update(b"@@\n" if line.startswith(b"@@ ") else index + line if line.startswith(b"Binary") else line)
    if commit and digest:
        yield commit, digest.hexdigest()
