"""A server whose port accepts connections before it works: its page tells."""

import socket
import threading

import pytest

from tasks.status import health
from testing.project import Project

_CONFIGURED = """session:
  wait: {wait}
  windows:
  - {{name: backend, dir: backend, run: "python manage.py {{backend_port}}", health: /ready}}
"""


def test_a_server_is_up_once_its_page_answers_without_an_error(project: Project) -> None:
    project.configure(_CONFIGURED.format(wait=1))

    refused = project.inv("session.add", "x", "--wait", code=1).err

    port = project.row("x")["backend_port"]
    assert "backend of x isn't ready: /ready answers 404 after " in refused
    assert port in project.listed("x")["answering"]
    (project.worktree("x") / "backend" / "ready").touch()
    project.configure(_CONFIGURED.format(wait=60))
    assert f"backend of x responds on {port}" in project.inv("session.start", "x", "--wait").err
    (project.worktree("x") / "backend" / "ready").unlink()


@pytest.mark.parametrize(
    ("window", "fault"),
    [
        ("{name: a, run: b, health: healthz}", 'health must be the path of a page, as /healthz, not "healthz"'),
        ("{name: a, run: b, health: '/a b'}", "health must be the path of a page"),
        ("{name: a, claude: true, health: /}", "health is for a window with run"),
        ("{name: a, health: /, panes: [b]}", "health is for a window with run"),
    ],
)
def test_a_page_is_one_of_a_server(project: Project, window: str, fault: str) -> None:
    (project.main / "invoke.yaml").write_text(f"session: {{windows: [{window}]}}\n")

    assert fault in project.inv("session.config", code=1).err


_ANSWERS = {
    b"HTTP/1.1 200 OK\r\n\r\nno end": 200, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\n": 503,
    b"HTTP/1.0 302 Found\r\nLocation: /\r\n": 302, b"SSH-2.0-x\r\n": 0, b"": 0,
}  # fmt: skip


@pytest.mark.parametrize("answer", _ANSWERS)
def test_only_the_status_of_a_page_is_read(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve() -> None:
            line, _address = server.accept()
            held.append(line)  # and never closed: the page does not end
            line.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        status = health.page_status(server.getsockname()[1], "/", 20 if _ANSWERS[answer] else 0.5)
        serving.join()
        for line in held:
            line.close()

    assert status == _ANSWERS[answer]


def test_a_page_that_answers_with_errors_is_asked_more_and_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, pauses = iter([503] * 20 + [200]), list[float]()
    monkeypatch.setattr(health, "page_status", lambda *_: next(asked))
    monkeypatch.setattr("tasks.status.health.time.sleep", pauses.append)

    page = health.Page(1, "/", 600)
    page.join()

    assert page.fault == ""
    assert pauses == sorted(pauses) and (pauses[0], pauses[-1]) == (0.2, 2.0)
