"""Stand-ins for `claude` and `gh` that record how they were called."""

import sys
from pathlib import Path

_HERE = Path(__file__).parent
# Without what a virtual environment adds, which is half of the time that Python takes to start.
_PYTHON = f"#!{sys.executable} -IS\n"
_RECORDER = """import json, os, sys
record = {{"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}}
with open({log!r}, "a") as log:
    log.write(json.dumps(record) + "\\n")
"""
# Nearly every command asks what runs, and the first one which version this is: no Python starts for that.
_CLAUDE = """#!/bin/sh
case "$1" in
--version) echo "2.1.329 (Claude Code)" ;;
agents)
    separator=""
    printf "["
    for file in "${{CLAUDE_CONFIG_DIR:-$HOME/.claude}}"/sessions/*.json; do
        process="${{file##*/}}"
        kill -0 "${{process%.json}}" 2>/dev/null || continue
        {{ IFS= read -r line || [ "$line" ]; }} 2>/dev/null <"$file" || continue
        printf "%s%s" "$separator" "$line"
        separator=","
    done
    echo "]"
    ;;
*) exec {conversation} "$@" ;;
esac
"""
_CONVERSATION = """import sys
sys.path.insert(0, {here!r})
import claude_stand_in
"""


def install(directory: Path) -> None:
    """Put the stand-ins into *directory*; each appends its calls to NAME.log there, one JSON object a line.

    Questions to `claude` about what runs and its version are not logged.
    """
    conversation = directory / "conversation" / "claude"  # a process is known by the name of its file
    for script, text in (
        (directory / "claude", _CLAUDE.format(conversation=conversation)),
        (conversation, _PYTHON + _CONVERSATION.format(here=str(_HERE))),
        (directory / "gh", _PYTHON + _RECORDER.format(log=str(directory / "gh.log"))),
    ):
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(text)
        script.chmod(0o755)
