"""The tasks of this repository: the sessions, which others embed, and what contributors need."""

import os
import shlex
import sys
from pathlib import Path

if not Path(__file__).with_suffix("").is_dir():
    sys.exit("tasks/ is missing here. Commit it together with tasks.py: git add tasks")
# Invoke has loaded this file as the module `tasks`, which would hide the package of the same name.
del sys.modules[__name__]

from invoke import Context, Exit, task  # noqa: E402

from tasks.collection import ns  # noqa: E402  in a worktree, too: here its own code is what is worked on
from tasks.commands.invoke_extensions import SessionTask  # noqa: E402

_PYTHON = shlex.quote(sys.executable)
_CHECKS = (
    "ruff check .",
    "ruff format --check .",
    "mypy",
)


@task(auto_shortflags=False, help={"path": "directory of the demo", "clean": "remove everything that the demo made"})
def demo(_c: Context, path: str = "~/tally-demo", clean: bool = False) -> None:
    """Run two sessions of a small Django and Svelte project.

    Example: inv demo --path /tmp/demo
    """
    from develop import demo as demonstration

    directory = Path(path).expanduser().resolve()
    step = demonstration.clean if clean else demonstration.make
    try:
        step(directory, lambda text: print(text, flush=True))
    except (demonstration.DemoError, OSError) as error:
        raise Exit(str(error), 1) from None


@task(
    auto_shortflags=False,
    help={
        "only": "run only the tests whose name matches",
        "workers": "number of tests to run at once (default: one more than there are cores, for tests wait, too)",
        "failed": "run only what failed last time, one test after another",
        "slow": "run the slow tests instead, and kills at every system call",
        "slow-minutes": "stop after this many minutes of kills (default: try all of them)",
    },
)
def test(
    c: Context, only: str = "", workers: str = "", failed: bool = False, slow: bool = False, slow_minutes: str = ""
) -> None:
    """Run the test suite, on real git, tmux, Django and Vite.

    Example: inv test --only rollback
    """
    if slow_minutes and not slow_minutes.isdecimal():
        raise Exit(f'--slow-minutes must be a number of minutes, not "{slow_minutes}".', 1)
    chosen = [*(["-k", only] if only else []), *(["-m", "slow"] if slow else [])]
    chosen += ["--last-failed", "--last-failed-no-failures", "none"] if failed else []
    workers = workers or str(1 if failed else (os.cpu_count() or 1) + 1)
    words = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "loadgroup", *chosen]
    # Without compiled modules each worker would rewrite every test for its assertions, in each run.
    compiled = {"PYTHONDONTWRITEBYTECODE": ""}
    c.run(shlex.join(words), pty=sys.stdout.isatty(), env={"TALLY_SESSIONS_SLOW_MINUTES": slow_minutes, **compiled})


@task
def check(c: Context) -> None:
    """Run the linter, the formatter and the type checker.

    Example: inv check
    """
    for command in _CHECKS:
        c.run(f"{_PYTHON} -m {command}", pty=sys.stdout.isatty())


@task(
    auto_shortflags=False,
    help={
        "rounds": "number of runs of each pair",
        "large": "measure a repository of 20,000 files, too",
        "json": "print JSON",
        "write": "write the figures and their picture into docs/about/speed",
    },
)
def bench(_c: Context, rounds: int = 10, large: bool = False, json: bool = False, write: bool = False) -> None:
    """Compare the sessions' speed with that of a shell script.

    Example: inv bench --rounds 5
    """
    from json import dumps

    from tabulate import tabulate

    from develop import bench as measuring
    from develop.bench import page

    report = measuring.run(rounds, large, lambda text: print(text, file=sys.stderr, flush=True))
    if json:
        print(dumps(report.record(), indent=2, ensure_ascii=False))
    else:
        print(*report.introduction(), tabulate(report.table(), headers="firstrow", disable_numparse=True), sep="\n")
    for written in page.write(report) if write else ():
        print(f"Wrote {written.relative_to(Path(__file__).parent)}.", file=sys.stderr)


@task(
    klass=SessionTask,
    positional=("path",),
    optional=("package",),
    help={
        "path": "repository to put the sessions into",
        "preset": "preset of the configuration (default: the one that fits)",
        "patch": "add what is missing to existing files: tasks.py, invoke.yaml, settings of other tools",
        "claude": "add hooks and a skill for Claude Code to .claude/",
        "force": "replace a tasks/ that was changed there, and keep that as tasks.yours/",
        "package": "use the installed package instead of a copy; its value is a requirement (default: this version)",
    },
)
def embed(
    _c: Context,
    path: str = "",
    preset: str = "",
    patch: bool = False,
    claude: bool = False,
    force: bool = False,
    package: str | None = None,
) -> None:
    """Put the sessions into another repository, or update them.

    They are a copy in tasks/, or with --package a development dependency. A session.config.mjs is converted.

    Example: inv embed ~/Dev/tally
    """
    from develop import embedding

    if not path:
        raise Exit("inv embed needs the PATH of a repository.\nRun, for example: inv embed ~/Dev/yours", 1)
    way = "" if package is True else package  # Invoke says True where the option has no value
    try:
        print(embedding.embed(Path(path).expanduser(), preset, patch, claude, force=force, package=way))
    except (embedding.EmbedError, OSError) as error:
        raise Exit(str(error), 1) from None


@task(
    auto_shortflags=False, help={"record": "record the demo and take the screenshots again first (takes two minutes)"}
)
def docs(_c: Context, record: bool = False) -> None:
    """Generate parts of the documentation, and build its site.

    Example: inv docs
    """
    from develop import demo, manual, recording, sample, screens

    for page in manual.fill():
        print(f"Wrote {page.relative_to(manual.TOP)}.")
    try:
        if record:
            recording.record(manual.TOP / "docs" / "demo.svg", lambda text: print(text, flush=True))
            screens.take(manual.TOP / "docs" / "screens", lambda text: print(text, flush=True))
        manual.build(manual.TOP / "site")
    except (manual.BuildError, demo.DemoError, sample.BuildError, OSError) as error:
        raise Exit(str(error), 1) from None
    print("Next: open site/index.html")


for each in (demo, test, check, bench, embed, docs):
    ns.add_task(each)
