"""Compare files with those of another machine, and take new ones from a tar stream: private until they are complete."""

import hashlib
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
from typing import Any

_REFRESHED = re.compile("archive/(admin|nested/[^/]+)/(index|FETCH_HEAD)")


def main() -> None:
    """Answer `compare`, whose digests come as JSON, or take the tar stream that is read."""
    if sys.argv[1] == "compare":
        print(json.dumps(compare(json.load(sys.stdin))))
        return
    try:
        print(json.dumps(take(sys.stdin.buffer)))
    except (OSError, tarfile.TarError) as error:
        sys.exit(f"Couldn't take the files: {error}. Nothing was changed.")


def compare(digests: Any) -> Any:
    """Return for each path whether it is `missing`, the `same` or `other` than here."""
    return {path: _standing(path, digest) for path, digest in digests.items()}


def _standing(path: str, expectation: str) -> str:
    if not os.path.lexists(path):
        return "missing"
    return "same" if os.path.isdir(path) or digest(path) == expectation else "other"


def digest(path: str) -> str:
    """Return the digest of a file's content, or of where a link leads."""
    if os.path.islink(path):
        return hashlib.sha256(os.fsencode(os.readlink(path))).hexdigest()
    result = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            result.update(block)
    return result.hexdigest()


def take(stream: Any) -> Any:
    """Put each top-level entry of the stream `<number>/<path>` at its path unless something is there."""
    os.makedirs(".git/tally-sessions", exist_ok=True)
    scratch = tempfile.mkdtemp(prefix="incoming-", dir=".git/tally-sessions")
    arrivals = []
    try:
        unpack(stream, scratch)
        paths = {number: _path(scratch, number) for number in sorted(os.listdir(scratch))}
        for number, path in paths.items():
            if not os.path.lexists(path):
                os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
                os.rename(os.path.join(scratch, number, "content"), path)
                arrivals.append(path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return arrivals


def _path(scratch: str, number: str) -> str:
    """Return where the entry *number* goes, which no link leads out of the checkout."""
    with open(os.path.join(scratch, number, "path"), encoding="utf-8") as file:
        path = file.read()
    if path.split("/")[0].lower() == ".git":
        raise tarfile.TarError("a path is git's own: " + path)
    require_inside(".", path)
    return path


def require_inside(top: str, path: str) -> None:
    """Refuse the relative *path* when it, or a link on the way to it, leaves the directory *top*."""
    place = os.path.realpath(os.path.join(top, os.path.dirname(path)))
    if path.startswith("/") or ".." in path.split("/"):
        raise tarfile.TarError("a path leaves the directory: " + path)
    if os.path.commonpath([place, os.path.realpath(top)]) != os.path.realpath(top):
        raise tarfile.TarError("a link on the way leads out of the directory: " + path + " to " + place)


def pack(stream: Any, entries: Any, left_out: Any = ()) -> str:
    """Write *entries*, pairs of a name and where it is, as a tar stream without the names *left_out*.

    Return the digest of what it holds; a directory's time, and what *stream* does with it, are no part of that.
    """
    total = hashlib.sha256()
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for name, path in entries:
            for inside, source in _walk(name, path, left_out):
                info = tar.gettarinfo(source, inside)
                if info is None:  # a socket
                    continue
                status = os.lstat(source)
                info.pax_headers = {"mtime": "{}.{:09}".format(*divmod(status.st_mtime_ns, 10**9))}
                if info.islnk():  # a second name of what is in the stream already: once more, simply
                    info.type, info.linkname, info.size = tarfile.REGTYPE, "", status.st_size
                content = hashlib.sha256()
                if info.isreg():
                    with open(source, "rb") as file:
                        tar.addfile(info, _Hashed(file, content))
                else:
                    tar.addfile(info)
                _note(total, info, content)
    return total.hexdigest()


class _Hashed:
    """A file to read from, whose content goes into a digest on the way."""

    def __init__(self, file: Any, content: Any) -> None:
        self.file, self.content = file, content

    def read(self, size: int = -1) -> bytes:
        block: bytes = self.file.read(size)
        self.content.update(block)
        return block


def _note(total: Any, info: Any, content: Any) -> None:
    """Let the digest of the whole have what one member of the stream is, unless git writes to it as it looks."""
    if _REFRESHED.fullmatch(info.name):
        return
    facts = [info.name, info.type.decode(), format(info.mode & 0o7777, "o"), info.linkname, content.hexdigest()]
    total.update("\0".join([*facts, ""]).encode("utf-8", "surrogateescape"))


def _walk(name: str, path: str, left_out: Any) -> Any:
    if name in left_out:
        return
    yield name, path
    if os.path.isdir(path) and not os.path.islink(path):
        for entry in sorted(os.listdir(path)):
            yield from _walk(name + "/" + entry, os.path.join(path, entry), left_out)


def unpack(stream: Any, top: str) -> str:
    """Make below *top* what the stream holds, nothing outside, and return the digest of that.

    Files, directories, links and pipes get the modes and times that they had.
    """
    total, directories = hashlib.sha256(), []
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            require_inside(top, member.name + "/" if member.isdir() else member.name)
            target, content = os.path.join(top, member.name), hashlib.sha256()
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if member.isdir():
                os.makedirs(target, exist_ok=True)
                os.chmod(target, 0o700)
                directories.append((target, member))
            elif member.issym():
                os.symlink(member.linkname, target)
            elif member.isfifo():
                os.mkfifo(target)
            elif member.isreg():
                _write(_Hashed(tar.extractfile(member), content), target)
            else:
                raise tarfile.TarError("neither a file nor a directory, link or pipe: " + member.name)
            if not member.isdir():
                _set_facts(target, member)
            _note(total, member, content)
    for target, member in reversed(directories):  # one that nobody may write to is filled first
        _set_facts(target, member)
    return total.hexdigest()


def _write(source: Any, target: str) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)


def _set_facts(target: str, member: Any) -> None:
    if not member.issym():
        os.chmod(target, member.mode)
    seconds, _, rest = str(member.pax_headers.get("mtime", int(member.mtime))).partition(".")
    time = int(seconds) * 10**9 + int((rest + "0" * 9)[:9])
    os.utime(target, ns=(time, time), follow_symlinks=False)


if __name__ == "__main__":
    main()
