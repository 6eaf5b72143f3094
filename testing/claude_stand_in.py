"""A stand-in for the parts of Claude Code's command line that we use, modelled on 2.1.197 and 2.1.329.

It records each call, keeps transcripts (none before the first prompt), refuses what the real one refuses, registers
itself while it runs, reads prompts from its terminal and runs the hooks of `--settings`. A prompt that begins with
`work` keeps it busy, one that begins with `ask` makes it wait, both until the next Enter; after one that begins with
`serve` a shell runs on in the background; one that begins with `fail` is refused. What runs is answered by the shell
script in front of it (`stand_ins.py`). It
imports little: nearly every test starts it.
"""

import json
import os
import re
import sys
import time

CONFIG = os.environ.get("CLAUDE_CONFIG_DIR") or os.path.expanduser("~/.claude")
OWN = f"{CONFIG}/sessions/{os.getpid()}.json"
PROC = "/proc/self/stat"
PROMPT = 40 * "\u2500" + "\r\n> "
VALUED = ("--session-id", "--resume", "-n", "--settings", "--append-system-prompt", "--model", "--permission-mode")


def transcripts(identity: str) -> list[str]:
    projects = f"{CONFIG}/projects"
    names = os.listdir(projects) if os.path.isdir(projects) else []
    return [path for name in names if os.path.exists(path := f"{projects}/{name}/{identity}.jsonl")]


def is_resumable(transcript: str) -> bool:
    with open(transcript) as file:
        return '"type": "user"' in file.read()


def fail(message: str) -> None:
    print(message, file=sys.stderr)
    raise SystemExit(1)


def new_identity() -> str:
    import uuid

    return str(uuid.uuid4())


def start_of_process() -> str:
    """Return when this process started, in the kernel's ticks, as Claude Code notes it."""
    if not os.path.exists(PROC):
        return ""
    with open(PROC) as file:
        return file.read().rpartition(")")[2].split()[19]


def run_hook(command: str, event: str) -> None:
    reading, writing = os.pipe()
    os.write(writing, event.encode())
    os.close(writing)
    actions = [(os.POSIX_SPAWN_DUP2, reading, 0)]
    _, status = os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", command], os.environ, file_actions=actions), 0)
    os.close(reading)
    if status:
        fail(f"hook failed: {command}")


class Conversation:
    """A conversation in this terminal."""

    def __init__(self, given: dict[str, str]) -> None:
        self.identity, self.name = given.get("--resume") or given.get("--session-id") or new_identity(), given["-n"]
        if "--fork-session" in given:
            (original,) = transcripts(self.identity)
            self.identity = given["--session-id"]
            with open(original) as file:
                self.record("user", file.read())
        self.hooks = json.loads(given["--settings"])["hooks"] if "--settings" in given else {}
        self.started, self.held, self.serves = int(time.time() * 1000), False, False
        os.makedirs(os.path.dirname(OWN), exist_ok=True)
        self.tell("SessionStart", "idle", source="resume" if "--resume" in given else "startup")

    def tell(self, event: str, status: str, waiting_for: str = "", **facts: object) -> None:
        """Say what is so before the hook says that it happened."""
        said = {
            "pid": os.getpid(), "cwd": os.getcwd(), "kind": "interactive", "startedAt": self.started,
            "sessionId": self.identity, "name": self.name, "status": status, "procStart": start_of_process(),
            "statusUpdatedAt": int(time.time() * 1000),
        }  # fmt: skip
        with open(f"{OWN}.tmp", "w") as file:
            json.dump({**said, "waitingFor": waiting_for} if waiting_for else said, file)
        os.replace(f"{OWN}.tmp", OWN)
        told = json.dumps({"session_id": self.identity, "hook_event_name": event, **facts})
        for entry in self.hooks.get(event, []):
            if event == "Notification" and not re.fullmatch(entry.get("matcher", ".*"), "permission_prompt"):
                continue
            for hook in entry["hooks"]:
                run_hook(hook["command"], told)

    def record(self, kind: str, text: str) -> None:
        directory = f"{CONFIG}/projects/{re.sub('[^a-zA-Z0-9]', '-', os.getcwd())}"
        os.makedirs(directory, exist_ok=True)
        record = {"type": kind, "cwd": os.getcwd(), "sessionId": self.identity, "entrypoint": "cli", "text": text}
        with open(f"{directory}/{self.identity}.jsonl", "a") as file:
            file.write(json.dumps(record) + "\n")

    def submit(self, text: str) -> None:
        if self.held:
            self.held = False
        elif text == "/clear":
            self.identity = new_identity()
            self.tell("SessionStart", "idle", source="clear")
            return
        elif not text:
            return
        else:
            self.record("user", text)
            print(f"\r\nheard: {text!r}\r\n{PROMPT}", end="", flush=True)
            self.tell("UserPromptSubmit", "busy")
            if text.startswith("ask"):
                asked = {"tool_name": "Bash", "tool_input": {"command": text[4:], "description": "scripted"}}
                self.tell("PermissionRequest", "waiting", "permission prompt", **asked)
                self.tell("Notification", "waiting", "permission prompt")
            self.held = text.startswith(("ask", "work"))
            self.serves = text.startswith("serve")
            if self.held:
                return
        self.record("assistant", "done")
        if text.startswith("fail"):
            self.tell("StopFailure", "idle", error="rate_limit")
            return
        tasks = [{"type": "shell", "status": "running"}] if self.serves else []
        self.tell("Stop", "shell" if tasks else "idle", last_assistant_message="done", background_tasks=tasks)

    def listen(self) -> None:
        """Read prompts from the terminal. Enter submits, but not within a paste."""
        import tty

        tty.setraw(0)
        print(f"\033[?2004hclaude stand-in\r\n{PROMPT}", end="", flush=True)
        typed = ""
        while "\x03" not in typed and (read := os.read(0, 65536)):
            typed += read.decode(errors="replace")
            while whole := re.match(r"((?:\x1b\[200~.*?\x1b\[201~|[^\r\x1b])*)\r", typed, re.DOTALL):
                typed = typed[whole.end() :]
                self.submit(re.sub(r"\x1b\[20[01]~", "", whole[1]).replace("\r", "\n").strip())
            shown = re.sub(r"\x1b\[20[01]~", "", typed)
            print(f"\r\033[K> {shown if shown.isprintable() else '[pasted]'}", end="", flush=True)


def main() -> None:
    words, given, prompt = sys.argv[1:], {"-n": ""}, ""
    record = {"argv": words, "cwd": os.getcwd(), "env": dict(os.environ)}
    with open(os.path.join(os.path.dirname(sys.argv[0]), os.pardir, "claude.log"), "a") as file:
        file.write(json.dumps(record) + "\n")
    while words:
        word = words.pop(0)
        if word in VALUED:
            given[word] = words.pop(0)
        elif word == "--":
            prompt = words.pop(0)
        elif word == "--fork-session":
            given[word] = ""
        elif word.startswith("-"):
            fail(f"error: unknown option '{word}'")
        else:
            prompt = word
    known, resumed = given.get("--session-id", ""), given.get("--resume", "")
    if known and not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", known):
        fail("Error: Invalid session ID. Must be a valid UUID.")
    if transcripts(known):
        fail(f"Error: Session ID {known} is already in use.")
    if resumed and not any(map(is_resumable, transcripts(resumed))):
        fail(f"No conversation found with session ID: {resumed}")
    conversation = Conversation(given)
    if prompt:
        conversation.submit(prompt)
    if sys.stdin.isatty():
        conversation.listen()
    if os.path.exists(OWN):
        os.unlink(OWN)


main()
