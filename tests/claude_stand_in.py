"""A stand-in for Claude Code's command line, in what we depend on; measured on 2.1.197 and 2.1.329.

It records each call, keeps transcripts (none before the first prompt), refuses what the real one refuses, registers
itself while it runs, reads prompts from its terminal and runs the hooks of `--settings`. A prompt that begins with
`work` keeps it busy, one that begins with `ask` makes it wait, both until the next Enter.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
import tty
import uuid
from pathlib import Path

CONFIG = Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude")
OWN = CONFIG / "sessions" / f"{os.getpid()}.json"
VALUED = ("--session-id", "--resume", "-n", "--settings", "--append-system-prompt", "--model", "--permission-mode")


def transcripts(identity: str) -> list[Path]:
    return list((CONFIG / "projects").glob(f"*/{identity}.jsonl"))


def fail(message: str) -> None:
    print(message, file=sys.stderr)
    raise SystemExit(1)


def agents() -> None:
    found = []
    for file in (CONFIG / "sessions").glob("*.json"):
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(file.stem), 0)
            found.append(json.loads(file.read_text()))
    print(json.dumps(found, indent=2))


class Conversation:
    """One that runs in this terminal."""

    def __init__(self, given: dict[str, str]) -> None:
        self.identity, self.name = given.get("--resume") or given.get("--session-id") or str(uuid.uuid4()), given["-n"]
        self.hooks = json.loads(given["--settings"])["hooks"] if "--settings" in given else {}
        self.started, self.held = int(time.time() * 1000), False
        OWN.parent.mkdir(parents=True, exist_ok=True)
        self.tell("SessionStart", "idle")

    def tell(self, event: str, status: str, waiting_for: str = "") -> None:
        """Say what is so before the hook says that it happened."""
        said = {
            "pid": os.getpid(), "cwd": str(Path.cwd()), "kind": "interactive", "startedAt": self.started,
            "sessionId": self.identity, "name": self.name, "status": status,
        }  # fmt: skip
        unfinished = OWN.with_suffix(".tmp")
        unfinished.write_text(json.dumps({**said, "waitingFor": waiting_for} if waiting_for else said))
        unfinished.replace(OWN)
        told = json.dumps({"session_id": self.identity, "hook_event_name": event})
        for entry in self.hooks.get(event, []):
            for hook in entry["hooks"]:
                subprocess.run(["sh", "-c", hook["command"]], input=told, text=True, check=True)

    def record(self, kind: str, text: str) -> None:
        directory = CONFIG / "projects" / re.sub("[^a-zA-Z0-9]", "-", str(Path.cwd()))
        directory.mkdir(parents=True, exist_ok=True)
        record = {"type": kind, "cwd": str(Path.cwd()), "sessionId": self.identity, "entrypoint": "cli", "text": text}
        with (directory / f"{self.identity}.jsonl").open("a") as file:
            file.write(json.dumps(record) + "\n")

    def submit(self, text: str) -> None:
        if self.held:
            self.held = False
        elif text == "/clear":
            self.identity = str(uuid.uuid4())
            self.tell("SessionStart", "idle")
            return
        elif not text:
            return
        else:
            self.record("user", text)
            print(f"\r\nheard: {text!r}\r\n> ", end="", flush=True)
            self.tell("UserPromptSubmit", "busy")
            if text.startswith("ask"):
                self.tell("Notification", "waiting", "permission prompt")
            self.held = text.startswith(("ask", "work"))
            if self.held:
                return
        self.record("assistant", "done")
        self.tell("Stop", "idle")

    def listen(self) -> None:
        """Read the terminal: a paste is text whatever it holds, elsewhere Enter submits."""
        tty.setraw(0)
        print("\033[?2004hclaude stand-in\r\n> ", end="", flush=True)
        typed = ""
        while "\x03" not in typed and (read := os.read(0, 65536)):
            typed += read.decode(errors="replace")
            while whole := re.match(r"((?:\x1b\[200~.*?\x1b\[201~|[^\r\x1b])*)\r", typed, re.DOTALL):
                typed = typed[whole.end() :]
                self.submit(re.sub(r"\x1b\[20[01]~", "", whole[1]).replace("\r", "\n").strip())
            shown = re.sub(r"\x1b\[20[01]~", "", typed)
            print("\r> " + shown if shown.isprintable() else "\r> [pasted]", end="", flush=True)


def main() -> None:
    words, given, prompt = sys.argv[1:], {"-n": ""}, ""
    record = {"argv": words, "cwd": os.getcwd(), "env": dict(os.environ)}
    log = Path(sys.argv[0]).with_name("claude-agents.log" if words[:1] == ["agents"] else "claude.log")
    with log.open("a") as file:
        file.write(json.dumps(record) + "\n")
    if "--version" in words:
        print("2.1.329 (Claude Code)")
        return
    if words[:1] == ["agents"]:
        agents()
        return
    while words:
        word = words.pop(0)
        if word in VALUED:
            given[word] = words.pop(0)
        elif word == "--":
            prompt = words.pop(0)
        elif word.startswith("-"):
            fail(f"error: unknown option '{word}'")
        else:
            prompt = word
    known, resumed = given.get("--session-id", ""), given.get("--resume", "")
    if known and not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", known):
        fail("Error: Invalid session ID. Must be a valid UUID.")
    if transcripts(known):
        fail(f"Error: Session ID {known} is already in use.")
    if resumed and not any('"type": "user"' in file.read_text() for file in transcripts(resumed)):
        fail(f"No conversation found with session ID: {resumed}")
    conversation = Conversation(given)
    if prompt:
        conversation.submit(prompt)
    if sys.stdin.isatty():
        conversation.listen()
    OWN.unlink(missing_ok=True)


main()
