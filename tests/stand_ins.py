"""Executables that stand in for `claude` and `gh`: they record how they were called."""

import sys
from pathlib import Path

_CLAUDE = Path(__file__).with_name("claude_stand_in.py")
_RECORDER = """#!{python}
import json, os, sys
record = {{"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}}
with open({log!r}, "a") as log:
    log.write(json.dumps(record) + "\\n")
"""


def install(directory: Path) -> None:
    """Put the stand-ins into *directory*; each appends its calls to NAME.log there, one JSON object a line.

    Questions about what runs, `claude agents`, are in a log of their own.
    """
    directory.mkdir(parents=True)
    recorder = _RECORDER.format(python=sys.executable, log=str(directory / "gh.log"))
    claude = f"#!{sys.executable}\n{_CLAUDE.read_text()}"
    for name, text in (("claude", claude), ("gh", recorder)):
        script = directory / name
        script.write_text(text)
        script.chmod(0o755)
