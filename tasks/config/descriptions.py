"""What each key of `session:` means, by topic: for `session.config`, editors and the manual."""

DESCRIPTIONS = {
    "Names and places": {
        "preset": "the set of defaults; each other key replaces one of them",
        "project": "the name in directories, tmux sessions and conversations (default: the main checkout's directory)",
        "numbered": "whether NAME is a number, 001 to 999; without NAME the first free one is used",
        "worktree": "the path of the worktree, relative to the main checkout",
        "branch": "the name of the session's branch",
        "base": "what a new branch starts from: a branch, tag or commit",
        "fetch": "whether the base's remote is fetched first, for at most 20 s; being offline is a warning;"
        " `background`: it is fetched while the session is added, and new commits are said, not waited for",
        "date": "the format of `{date}`, as for strftime",
    },
    "Ports, files and variables": {
        "ports": "name → first port to try, counting up; or [a formula](#ports)",
        "host": "the host name in web addresses, like `{slug}.localhost`: browsers then keep"
        " [each session's cookies apart](howto/logins.md); `{host}` in other values; empty for localhost",
        "copy": "files of the main checkout that are copied into each session, or [patterns](#files)",
        "link": "files and directories that are shared with the main checkout; a"
        " [`node_modules` with a lock file](#node_modules) becomes the session's own",
        "thin": "directories that programs create again, like `frontend/dist`: not saved when the session is removed",
        "env": "file → variables that are set in it; the rest of the file is kept",
        "databases": "file → variables that hold a database's address → `own`, for [a Postgres database of the"
        " session's own](#databases), or a port; the rest of the address is kept",
        "env_file": "a file in the worktree with `variables` and every port; empty for none",
        "app_env": "an app's directory → variables in its own `env_file`, with `${PORT}` replaced",
        "variables": "environment variables in every window and for `setup`; empty ones are left out",
    },
    "Windows, commands and conversation": {
        "windows": "the tmux windows: `name`, and `run` (executed), `type` (typed, not executed) or `claude: true`;"
        " `dir` is the directory; without the file `needs` the window is skipped; `start: attach` [starts it when"
        " somebody attaches](#windows-and-panes); `health` is a page that `--wait` asks for;"
        " `panes` and `layout` divide it",
        "activate": "the command that is typed first in every window; empty for none; the default depends on"
        " [what exists](#the-environment-of-a-window)",
        "setup": "shell commands that run once in the new worktree; `session.start` runs one that failed again",
        "teardown": "shell commands that `session.remove` runs in the worktree before anything goes; one that fails"
        " refuses the removal, unless `--force`",
        "verify": "shell commands that must succeed before `session.merge` and `session.pr`; fixed at `session.add`",
        "agents": "[other assistants](howto/claude.md#other-assistants) by name, which `--agent` chooses: `command`,"
        " `args`, `begin`, `resume`, `fork`, `prompt`, `find` and `state`",
        "claude": "[the conversation](howto/claude.md): `command`, `args` after ours, `notify` (a shell command when"
        " it waits for you), `note` (text for its system prompt; empty for none)",
        "compose": "[containers](howto/containers.md): `file`, `profiles` and `wait`, the seconds that they may"
        " take to be ready; `{}` for none",
    },
    "Working with others": {
        "components": "name → its paths or globs, for `--component`",
        "work_log": "a file of the main checkout with an entry for each session, or a table of `file` and"
        " `templates`; empty for none",
        "pull_requests": "whether [lists show the pull request](howto/look.md#pull-requests) of each branch and its"
        " checks: `gh` or `glab` is asked in the background",
        "hosts": "name → [another machine](howto/fleet.md): `host` or `via`, `path`, and optionally `python`,"
        " `inv`, `max_sessions`, `labels`, `start` and `stop`, the commands here that wake and stop it, and"
        " `stop_idle: 2h`, after which `inv fleet.stop-idle` stops it",
    },
    "Limits": {
        "wait": "seconds that `--wait` waits for the servers to respond",
        "host_timeout": "seconds that `fleet` waits for a host",
        "keep_removed": "days after which `session.prune` deletes the saved copy of a removed session",
        "keep_removed_size": "the size that all saved copies together may have; `session.prune` deletes the oldest that"
        " hold no work of their own, and names those that do",
    },
}
