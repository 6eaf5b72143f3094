"""A local stand-in for the API that Claude Code talks to: with it the real command line takes whole turns offline.

What it answers is written in the prompt, in steps with ";;" between: `DO say TEXT`, `DO bash COMMAND`, `DO serve
COMMAND` (in the background), `DO write FILE`, `DO slow SECONDS`, `DO hold` (until *go* is set), `DO fail STATUS TYPE`,
`DO isolate PROMPT` (a subagent in a worktree), `DO enter NAME` and `DO leave ACTION` (a worktree). A step that uses a
tool, or fails, ends an answer; the next one follows when its result has come. Without steps it says "ok".
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEY = "sk-ant-test-0000"
_USAGE = {"input_tokens": 10, "output_tokens": 2, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


def claude_json(*trusted: Path) -> str:
    """Return a `.claude.json` of somebody who has used Claude Code before, with the key above, in *trusted* places."""
    project = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True, "projectOnboardingSeenCount": 9}
    return json.dumps({
        "hasCompletedOnboarding": True, "lastOnboardingVersion": "9.9.9", "theme": "dark", "numStartups": 5,
        "hasSeenAutoDefaultNudge": True,
        "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
        "projects": {str(place): project for place in trusted},
    })  # fmt: skip


class Server(ThreadingHTTPServer):
    """The API on a port of its own; *requests* are what it was asked for turns, the oldest first; *go* ends `hold`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[dict[str, Any]] = []
        self.go = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        """What Claude Code needs in its environment to ask this server, and nobody else."""
        return {
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.server_port}", "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }  # fmt: skip


def _steps(messages: list[dict[str, Any]]) -> list[list[str]]:
    """Return the steps of the last prompt, one list for each answer, without those that were given."""
    given = 0
    for message in reversed(messages):
        content = message.get("content")
        blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
        if message.get("role") == "assistant":
            given += 1
        elif message.get("role") == "user":
            texts = [str(block.get("text", "")).rpartition("Your directive: ")[2] for block in blocks]  # of a fork
            prompts = [text for text in texts if text.lstrip().startswith("DO ")]
            is_result = any(block.get("type") == "tool_result" for block in blocks)
            if prompts or not (
                is_result or all(str(block.get("text", "<")).lstrip().startswith("<") for block in blocks)
            ):
                return _answers(prompts[-1] if prompts else "DO say ok")[given:]
    return []


def _answers(prompt: str) -> list[list[str]]:
    answers: list[list[str]] = [[]]
    for step in prompt.replace("\n", " ").split(";;"):
        answers[-1].append(step.strip().removeprefix("DO "))
        if answers[-1][-1].startswith(("bash ", "serve ", "write ", "fail ", "isolate ", "enter ", "leave ")):
            answers.append([])
    return [answer for answer in answers if answer]


def _tool_use(name: str, given: dict[str, object]) -> dict[str, object]:
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:20]}", "name": name, "input": given}


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._send({"data": [], "has_more": False})

    def do_HEAD(self) -> None:
        self._send({})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if not self.path.startswith("/v1/messages"):
            self._send({})
        elif "count_tokens" in self.path:
            self._send({"input_tokens": 10})
        else:
            try:
                self._answer(request)
            except (BrokenPipeError, ConnectionResetError):
                pass

    def _answer(self, request: dict[str, Any]) -> None:
        is_turn = bool(request.get("tools"))
        if is_turn:
            self.server.requests.append(request)
        steps = (_steps(request["messages"]) or [["say done"]])[0] if is_turn else ['say {"title": "A title"}']
        blocks: list[dict[str, Any]] = []
        for step in steps:
            word, _space, rest = step.partition(" ")
            if word == "fail":
                status, _space, kind = rest.partition(" ")
                self._send({"type": "error", "error": {"type": kind, "message": "scripted"}}, int(status))
                return
            if word == "slow":
                time.sleep(float(rest))
            elif word == "hold":
                self.server.go.wait(120)
            elif word in ("bash", "serve"):
                given = {"command": rest, "description": "scripted", "run_in_background": word == "serve"}
                blocks.append(_tool_use("Bash", given))
            elif word == "isolate":
                given = {"description": "scripted", "prompt": rest, "subagent_type": "general-purpose"}
                blocks.append(_tool_use("Agent", {**given, "isolation": "worktree"}))
            elif word == "enter":
                blocks.append(_tool_use("EnterWorktree", {"name": rest}))
            elif word == "leave":
                blocks.append(_tool_use("ExitWorktree", {"action": rest, "discard_changes": True}))
            elif word == "write":
                blocks.append(_tool_use("Write", {"file_path": rest, "content": "scripted\n"}))
            else:
                blocks.append({"type": "text", "text": rest if word == "say" else step})
        self._finish(request, blocks or [{"type": "text", "text": "done"}])

    def _finish(self, request: dict[str, Any], blocks: list[dict[str, Any]]) -> None:
        reason = "tool_use" if blocks[-1]["type"] == "tool_use" else "end_turn"
        message: dict[str, Any] = {
            "id": f"msg_{uuid.uuid4().hex[:20]}", "type": "message", "role": "assistant", "model": request.get("model"),
            "content": [], "stop_reason": None, "stop_sequence": None, "usage": _USAGE,
        }  # fmt: skip
        if not request.get("stream"):
            self._send({**message, "content": blocks, "stop_reason": reason})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self._event("message_start", message=message)
        for index, block in enumerate(blocks):
            is_text = block["type"] == "text"
            start = {**block, "text": ""} if is_text else {**block, "input": {}}
            delta = {"type": "text_delta", "text": block["text"]} if is_text else {
                "type": "input_json_delta", "partial_json": json.dumps(block["input"])
            }  # fmt: skip
            self._event("content_block_start", index=index, content_block=start)
            self._event("content_block_delta", index=index, delta=delta)
            self._event("content_block_stop", index=index)
        self._event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage={"output_tokens": 2})
        self._event("message_stop")
        self.close_connection = True

    def _event(self, kind: str, **facts: Any) -> None:
        self.wfile.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **facts})}\n\n".encode())
        self.wfile.flush()

    def _send(self, value: object, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
