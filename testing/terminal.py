"""Read tmux panes and type into them, as a person does."""

import subprocess

from testing.project import Project, eventually


def tmux(*arguments: str, check: bool = True) -> str:
    """Run tmux on the test's server and return what it prints; a server that just ends, as its last session did, is
    waited for."""
    for _attempt in range(100):
        done = subprocess.run(["tmux", *arguments], capture_output=True, text=True, check=False)
        if "server exited" not in done.stderr and not (arguments[0] == "new-session" and "no server" in done.stderr):
            break
    assert not (check and done.returncode), done.stderr
    return done.stdout.strip()


def panes(session: str, form: str) -> list[str]:
    """Return tmux's format *form* for every pane of *session*, in order; empty if there is no such session."""
    return tmux("list-panes", "-s", "-t", f"={session}:", "-F", form, check=False).splitlines()


def windows(session: str) -> dict[str, str]:
    """Return the pane ids of the tmux session *session* by window name."""
    return dict(line.split(" ", 1) for line in panes(session, "#{window_name} #{pane_id}"))


def screen(pane: str) -> str:
    """Return what the pane shows, wrapped lines joined."""
    return tmux("capture-pane", "-p", "-J", "-t", pane)


def shows(pane: str, text: str) -> None:
    """Wait until the pane shows *text*."""
    try:
        eventually(lambda: text in screen(pane))
    except AssertionError:
        raise AssertionError(f"{text!r} is not on the screen:\n{screen(pane)}") from None


def enter(pane: str, line: str) -> None:
    """Type *line* into the pane and press Enter."""
    tmux("send-keys", "-t", pane, "-l", "--", line)
    tmux("send-keys", "-t", pane, "Enter")


def runs(project: Project, name: str) -> None:
    """Wait until the session *name* is running; on failure show its windows."""
    try:
        eventually(lambda: project.listed(name)["status"] == "running")
    except AssertionError:
        session = project.listed(name)
        shown = "\n".join(f"--- {window}\n{screen(pane)}" for window, pane in windows(session["tmux"]).items())
        raise AssertionError(f"{session}\n{shown}") from None
