"""The front door of this repository: the sessions that others embed, and what its contributors need."""

import shlex
import sys
from pathlib import Path

if not Path(__file__).with_suffix("").is_dir():
    sys.exit("tasks/ is missing beside tasks.py; it belongs into the commit: git add tasks")
# Invoke loads this file as the module `tasks`; the package of the same name is what we mean.
del sys.modules[__name__]

from invoke import Context, Exit, task  # noqa: E402

from tasks import ns  # noqa: E402

_PYTHON = shlex.quote(sys.executable)
_CHECKS = (
    "ruff check .",
    "ruff format --check .",
    "mypy",
)


@task(help={"path": "the directory to make it in", "clean": "remove everything that the demo made"})
def demo(_c: Context, path: str = "~/tally-demo", clean: bool = False) -> None:
    """Make a small Django and Svelte project and run two sessions of it side by side.

    Example: inv demo --path /tmp/demo
    """
    from develop import demo as demonstration

    directory = Path(path).expanduser().resolve()
    step = demonstration.clean if clean else demonstration.make
    try:
        step(directory, lambda text: print(text, flush=True))
    except (demonstration.DemoError, OSError) as error:
        raise Exit(str(error), 1) from None


@task(help={"only": "run the tests whose name matches", "workers": "how many run at once"})
def test(c: Context, only: str = "", workers: str = "auto") -> None:
    """Run the tests, on real git, tmux, Django and Vite.

    Example: inv test --only rollback
    """
    chosen = ["-k", only] if only else []
    words = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "loadgroup", *chosen]
    c.run(shlex.join(words), pty=sys.stdout.isatty())


@task
def check(c: Context) -> None:
    """Run the linter, the formatter and the type checker.

    Example: inv check
    """
    for command in _CHECKS:
        c.run(f"{_PYTHON} -m {command}", pty=sys.stdout.isatty())


@task(help={"rounds": "how often each pair runs", "large": "also the repository of 20,000 files"})
def bench(_c: Context, rounds: int = 10, large: bool = False) -> None:
    """Measure the sessions against a plain shell script that does the same.

    Example: inv bench --rounds 5
    """
    from tabulate import tabulate

    from develop import bench as measuring

    rows = measuring.run(rounds, large, lambda text: print(text, file=sys.stderr, flush=True))
    print(tabulate(rows, headers="firstrow", disable_numparse=True))


@task(
    positional=("path",),
    help={
        "path": "the repository to put the sessions into",
        "preset": "the system to configure, instead of the one that fits",
        "patch": "add the three lines to an existing tasks.py",
    },
)
def embed(_c: Context, path: str, preset: str = "", patch: bool = False) -> None:
    """Put the sessions into another repository, or bring them up to date there.

    Example: inv embed ~/Dev/tally
    """
    from develop import embedding

    try:
        print(embedding.embed(Path(path).expanduser(), preset, patch))
    except (embedding.EmbedError, OSError) as error:
        raise Exit(str(error), 1) from None


@task(help={"record": "run the demo in a terminal first and record it anew, which takes a minute"})
def docs(_c: Context, record: bool = False) -> None:
    """Write the generated parts of the documentation, and make its site in `site/`.

    Example: inv docs
    """
    from develop import demo, manual, recording, sample

    for page in manual.fill():
        print(f"wrote {page.relative_to(manual.TOP)}")
    try:
        if record:
            recording.record(manual.TOP / "docs" / "demo.svg", lambda text: print(text, flush=True))
        manual.build(manual.TOP / "site")
    except (manual.BuildError, demo.DemoError, sample.BuildError, OSError) as error:
        raise Exit(str(error), 1) from None
    print("to look: site/index.html")


for each in (demo, test, check, bench, embed, docs):
    ns.add_task(each)
