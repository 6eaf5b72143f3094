"""Where a setting is written."""

from pathlib import Path

import pytest

from tasks.config import places

_PROJECT = """# comment
session:
  ports: {web: x}
  env:
    frontend/.env:
      API.URL: [1]
  windows:
    - {name: a}
    - name: b
      cmd: x
  hosts: {}
"""
_USER = "session:\n  hosts:\n    box: {host: 7}\n  copy: a\n"


@pytest.mark.parametrize("message, place", [
    ("session must be a table", "project:2"), ("session.ports: 3", "project:3"),
    ("session.ports.web must be a port", "project:3"), ("session.env.frontend/.env.API.URL must be text", "project:6"),
    ("session.windows[1].cmd is not a setting.", "project:10"), ("session.windows[0] must be", "project:8"),
    ("session.hosts.box.host must be text", "user:3"), ("session.copy must be a list", "user:4"),
    ("session.date must be", ""), ("Another sentence.", ""),
])  # fmt: skip
def test_the_line_of_a_key_is_found(tmp_path: Path, message: str, place: str) -> None:
    files = [tmp_path / "project", tmp_path / "user", tmp_path / "none", tmp_path / "broken"]
    for file, text in zip(files, (_PROJECT, _USER), strict=False):
        file.write_text(text)
    files[3].write_text("session: [")

    assert places.find_setting(message, files) == (f"{tmp_path}/{place}" if place else "")
