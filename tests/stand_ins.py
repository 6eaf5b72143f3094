"""Executables that stand in for `claude` and `gh`: they record how they were called, and stay."""

import sys
from pathlib import Path

_RECORDER = """#!{python}
import json, os, sys, time
record = {{"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}}
with open({log!r}, "a") as log:
    log.write(json.dumps(record) + "\\n")
if "--version" in sys.argv:
    print("2.1.329 (Claude Code)")
    raise SystemExit(0)
if sys.argv[0].endswith("claude"):
    print("claude stand-in")
    time.sleep(600)
"""


def install(directory: Path) -> None:
    """Put the stand-ins into *directory*; each appends its calls to NAME.log there, one JSON object a line."""
    directory.mkdir(parents=True)
    for name in ("claude", "gh"):
        script = directory / name
        script.write_text(_RECORDER.format(python=sys.executable, log=str(directory / f"{name}.log")))
        script.chmod(0o755)
