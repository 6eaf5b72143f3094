"""Compare files with those of another machine, and take new ones from a tar stream: private until they are complete."""

import hashlib
import json
import os
import shutil
import sys
import tarfile
import tempfile
from typing import Any


def main() -> None:
    """Answer `compare`, whose digests come as JSON, or take the tar stream that is read."""
    if sys.argv[1] == "compare":
        print(json.dumps(compare(json.load(sys.stdin))))
        return
    try:
        print(json.dumps(take(sys.stdin.buffer)))
    except (OSError, tarfile.TarError) as error:
        sys.exit(f"the files could not be taken: {error}; nothing was changed")


def compare(digests: Any) -> Any:
    """Return for each path whether it is `missing`, the `same` or `other` than here."""
    return {path: _standing(path, digest) for path, digest in digests.items()}


def _standing(path: str, wanted: str) -> str:
    if not os.path.lexists(path):
        return "missing"
    return "same" if os.path.isdir(path) or digest(path) == wanted else "other"


def digest(path: str) -> str:
    """Return the digest of a file's content, or of where a link leads."""
    if os.path.islink(path):
        return hashlib.sha256(os.fsencode(os.readlink(path))).hexdigest()
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def take(stream: Any) -> Any:
    """Put each top-level entry of the stream `<number>/<path>` at its path unless something is there."""
    os.makedirs(".git/tally-sessions", exist_ok=True)
    scratch = tempfile.mkdtemp(prefix="incoming-", dir=".git/tally-sessions")
    taken = []
    try:
        unpack(stream, scratch)
        for number in sorted(os.listdir(scratch)):
            with open(os.path.join(scratch, number, "path"), encoding="utf-8") as file:
                path = file.read()
            if not os.path.lexists(path):
                os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
                os.rename(os.path.join(scratch, number, "content"), path)
                taken.append(path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return taken


def pack(stream: Any, entries: Any) -> None:
    """Write *entries*, pairs of a name and where it is, as a tar stream."""
    with tarfile.open(fileobj=stream, mode="w|") as tar:
        for name, path in entries:
            for inside, source in _walk(name, path):
                info = tar.gettarinfo(source, inside)
                if info is None:  # a socket
                    continue
                if info.islnk():  # a second name of what is in the stream already: once more, simply
                    info.type, info.size = tarfile.REGTYPE, os.lstat(source).st_size
                if info.isreg():
                    with open(source, "rb") as file:
                        tar.addfile(info, file)
                else:
                    tar.addfile(info)


def _walk(name: str, path: str) -> Any:
    yield name, path
    if os.path.isdir(path) and not os.path.islink(path):
        for entry in sorted(os.listdir(path)):
            yield from _walk(name + "/" + entry, os.path.join(path, entry))


def unpack(stream: Any, top: str) -> None:
    """Make below *top* what the stream holds: files, directories and links with their modes, nothing outside."""
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            if member.name.startswith("/") or ".." in member.name.split("/"):
                raise tarfile.TarError("a path leaves the directory: " + member.name)
            target = os.path.join(top, member.name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if member.isdir():
                os.makedirs(target, exist_ok=True)
                os.chmod(target, member.mode | 0o700)
            elif member.issym():
                os.symlink(member.linkname, target)
            elif member.isreg():
                _write(tar.extractfile(member), target, member)


def _write(source: Any, target: str, member: Any) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    os.chmod(target, member.mode)
    os.utime(target, (member.mtime, member.mtime))


if __name__ == "__main__":
    main()
