"""Embedding writes nothing outside of the repository, waits for no pipe, and loses nothing of a person's."""

import os
import subprocess
from pathlib import Path

import pytest

from develop import embedding
from develop.embedding import containers, places


def _git(top: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(top), *words], check=True, capture_output=True)


def test_a_link_out_of_the_repository_and_a_pipe_are_refused_before_anything_is_written(
    target: Path, sandbox: Path
) -> None:
    outside = sandbox / "outside"
    outside.mkdir()
    (outside / "profile").write_text("# mine\nfrom invoke import task\n")
    for name, leads_to in (
        (".gitignore", "profile"), (".gitignore", "new"), ("invoke.yaml", "new"), ("invoke.yaml", "profile"),
        ("tasks.py", "profile"), ("docs", ""), (".claude", ""), (".prettierignore", "profile"),
        (containers.FILE, "new"),
    ):  # fmt: skip
        (target / name).symlink_to(outside / leads_to)
        with pytest.raises(embedding.EmbedError, match="leads out of the repository"):
            embedding.embed(target, patch=True, claude=True)
        (target / name).unlink()
    for name in (".gitignore", "invoke.yaml", "docs/sessions.md", ".claude/settings.json", ".prettierignore"):
        (target / name).parent.mkdir(exist_ok=True)
        os.mkfifo(target / name)
        with pytest.raises(embedding.EmbedError, match="is not a file"):
            embedding.embed(target, patch=True, claude=True)
        (target / name).unlink()
    assert [each.name for each in outside.iterdir()] == ["profile"]
    assert (outside / "profile").read_text() == "# mine\nfrom invoke import task\n"
    assert not (target / "tasks").exists()

    (target / "own").write_text("x\n")
    (target / ".gitignore").symlink_to("own")
    embedding.embed(target)
    assert (target / "own").read_text() == "x\n/.tally-sessions\n.env.session\n/.venv/\n"


def test_a_configuration_that_is_no_utf_8_or_has_no_end_stays_and_other_line_ends_stay(target: Path) -> None:
    (target / "package.json").write_text('{"scripts": {"dev": "vite --port 70000000"}}')
    for text in (b"# caf\xe9\n", b"session:\n  preset: points # caf\xe9\n", b"session: &a\n  windows: *a\n"):
        (target / "invoke.yaml").write_bytes(text)
        assert "Kept invoke.yaml" in embedding.embed(target, patch=True)
        assert (target / "invoke.yaml").read_bytes() == text
    (target / "invoke.yaml").write_bytes(b"# mine\r\n")
    embedding.embed(target)
    written = (target / "invoke.yaml").read_bytes()
    assert b"\r\n# mine\r\n" in written and written.count(b"\n") == written.count(b"\r\n")


def test_a_write_that_fails_leaves_the_file_as_it_was(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (target / "invoke.yaml").write_text("# mine\n")
    (target / "invoke.yaml").chmod(0o640)
    whole = Path.write_bytes

    def fails(file: Path, content: bytes) -> int:
        whole(file, content[:3])
        raise OSError(28, "No space left on device", str(file))

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", fails)
        with pytest.raises(OSError, match="No space"):
            places.replace_file(target / "invoke.yaml", b"other\n")
    assert [each.name for each in target.iterdir() if each.name != ".git"] == ["invoke.yaml"]
    assert (target / "invoke.yaml").read_text() == "# mine\n"
    embedding.embed(target)
    assert "# mine" in (target / "invoke.yaml").read_text()
    assert (target / "invoke.yaml").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("how", ["ignored", "not shown", "assumed unchanged"])
def test_force_keeps_what_git_does_not_have_though_its_status_is_silent(target: Path, how: str) -> None:
    embedding.embed(target)
    _git(target, "add", "--all")
    _git(target, "commit", "--quiet", "-m", "x")
    changed = target / "tasks" / ("errors.py" if how == "assumed unchanged" else "secret.env")
    if how == "ignored":
        (target / ".git" / "info" / "exclude").write_text("secret.env\n")
    elif how == "not shown":
        _git(target, "config", "status.showUntrackedFiles", "no")
    else:
        _git(target, "update-index", "--assume-unchanged", "tasks/errors.py")
    changed.write_text("mine = 1\n")

    embedding.embed(target, force=True)

    assert (target / "tasks.yours" / changed.name).read_text() == "mine = 1\n"
