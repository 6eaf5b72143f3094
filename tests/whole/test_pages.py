"""A page that is up imports what its server gives: real SvelteKit, with node_modules linked and the session's own."""

import http.client
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from testing import missing, port_slot
from testing.project import Project

# The last that serve nothing from where a link leads; later ones serve at least SvelteKit's own files.
_VERSIONS = {"@sveltejs/kit": "2.5.0", "@sveltejs/vite-plugin-svelte": "^3", "svelte": "^4", "vite": "5.0.12"}
_FILES = {
    "package.json": json.dumps({"name": "kit", "private": True, "type": "module", "devDependencies": _VERSIONS}),
    "vite.config.js": "import { sveltekit } from '@sveltejs/kit/vite'; export default { plugins: [sveltekit()] };",
    "svelte.config.js": "export default { kit: {} };",
    "src/app.html": "<html><head>%sveltekit.head%</head><body>%sveltekit.body%</body></html>",
    "src/routes/+page.svelte": "<script>let n = 0</script><button on:click={() => n++}>{n}</button>",
}
_CONFIGURED = (
    "session: {copy: [], link: [node_modules], env: {}, ports: {web_port: PORT}, wait: 120,"
    " windows: [{name: web, run: 'node_modules/.bin/vite dev --port {web_port}'}]}\n"
)


def _kit(project: Project) -> None:
    missing.require("npm")
    shutil.rmtree(project.main / "frontend")
    for path, text in _FILES.items():
        (project.main / path).parent.mkdir(parents=True, exist_ok=True)
        (project.main / path).write_text(text)
    npm = ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline"]
    subprocess.run(npm, cwd=project.main, check=True, capture_output=True)
    with (project.main / ".gitignore").open("a") as file:
        file.write(".svelte-kit\n.vite\n")


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("localhost", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def _entry(modules: Path) -> str:
    return f"/@fs{modules}/@sveltejs/kit/src/runtime/client/entry.js"


@pytest.mark.slow
def test_a_linked_node_modules_that_the_server_refuses_is_told_and_its_own_is_served(project: Project) -> None:
    _kit(project)
    lock = (project.main / "package-lock.json").read_text()
    (project.main / "package-lock.json").unlink()
    project.git("add", "--all")
    project.configure(_CONFIGURED.replace("PORT", str(5000 + port_slot.own())))

    said = project.inv("session.add", "linked", "--wait").err

    modules = project.main / "node_modules"
    assert (project.worktree("linked") / "node_modules").is_symlink()
    assert _status(project.row("linked")["web_port"], _entry(modules)) == 403
    assert f"Vite refuses {_entry(modules)} (403)" in " ".join(said.split())
    (project.main / "package-lock.json").write_text(lock)
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "lock")

    said = project.inv("session.add", "own", "--wait").err

    assert "refuses" not in said
    own = project.worktree("own") / "node_modules"
    assert _status(project.row("own")["web_port"], _entry(own)) == 200
