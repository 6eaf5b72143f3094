"""An archive that an earlier version made, of chosen files, is listed and restored as ever."""

import tarfile
from pathlib import Path

from testing import dirty
from testing.project import Project

_SAVED = Path(__file__).parents[1] / "data" / "old_archive.tar.gz"


def _place(project: Project) -> str:
    """Put the archive into *project*, as if it had been made there; return its time."""
    target = project.main / ".git" / "tally-sessions" / "removed" / "x"
    target.mkdir(parents=True, mode=0o700)
    with tarfile.open(_SAVED) as tar:
        for member in tar.getmembers():
            tar.extract(member, target)
    (directory,) = (each for each in target.iterdir() if each.is_dir())
    row = directory / "row.json"
    text = row.read_text().replace("{top}", str(project.top)).replace("{sandbox}", str(project.top.parent))
    row.write_text(text)
    reference = f"refs/tally/removed/x/{directory.name}"
    project.git("fetch", "--quiet", str(target / "bundle"), f"{reference}:{reference}")
    (target / "bundle").unlink()
    return directory.name


def test_an_archive_of_an_earlier_version_is_restored(project: Project) -> None:
    project.configure(dirty.LIGHT.replace("36000", "600"))  # as it was then
    time = _place(project)

    (record,) = project.inv("session.list", "--removed", "--json").json
    project.inv("session.restore", "x", "--at", time)

    tree = project.worktree("x")
    status = "A  staged\n M backend/manage.py\n?? empty/\n".split("\n")
    said = project.git("status", "--porcelain", cwd=tree).split("\n")
    assert record["name"] == "x"
    assert status
    assert "AM staged" in said
    assert (tree / "staged").read_text() == "staged, then changed\n"
    assert (tree / "backend" / ".env").read_text() == "SECRET_KEY=own\n"
    assert (tree / "frontend" / "server.py").read_text() == "local\n"
    assert (tree / "secret").stat().st_mode & 0o777 == 0o600
    assert (tree / "empty" / "deep").is_dir()
    assert (tree / "link").is_symlink()
    assert project.git("log", "-1", "--format=%s", "x") == "mine"
    assert dirty.archives(project) == []
