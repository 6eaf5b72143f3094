"""What each key of the configuration says, by what it is about: the one place, from which its reference is made."""

DESCRIPTIONS = {
    "Names and places": {
        "preset": "the system to begin with; each other key replaces that of the preset",
        "project": "the name in directories, tmux sessions and conversations; without it the main checkout's directory",
        "numbered": "whether NAME is a number, 001 to 999, and the first free one when it is left out",
        "worktree": "where the worktree is made, relative to the main checkout",
        "branch": "what the session's branch is called",
        "base": "what a new branch starts from: a branch, tag or commit",
        "fetch": "whether the base's remote is fetched first, for 20 s at most; offline is a warning",
        "date": "what `{date}` looks like, in the letters of strftime",
    },
    "Ports, files and variables": {
        "ports": "name → first port to try, counting up; or [a formula](#ports)",
        "copy": "files of the main checkout of which each session gets its own",
        "link": "files and directories that are shared with the main checkout",
        "env": "file → variables that are set in it; the rest of the file is kept",
        "env_file": "a file that is made in the worktree with `variables` and every port; empty for none",
        "app_env": "an app's directory → variables in an `env_file` of its own, with `${PORT}` replaced",
        "variables": "environment variables in every window and for `setup`; those that come out empty are left out",
    },
    "Windows, commands and conversation": {
        "windows": "the tmux windows: `name`, and `run` (executed), `type` (typed, not executed) or `claude: true`;"
        " `dir` to be in; `needs` a file, else the window is left out",
        "activate": "what is typed first in every window; empty for nothing; without it"
        " [what is found](#the-environment-of-a-window)",
        "setup": "shell commands that run once in the new worktree; one that fails is run again by `session.start`",
        "verify": "shell commands that must succeed before `session.merge` and `session.pr`, as of `session.add`",
        "claude": "[the conversation](howto/claude.md): `command`, `args` after ours, `notify` (a shell command when it"
        " waits for you), `note` (text for its system prompt; empty for none)",
        "compose": "[containers](howto/containers.md): `file`, `profiles` and `wait`, the seconds until they must be"
        " ready; `{}` for none",
    },
    "Working with others": {
        "components": "name → paths or globs that belong to it, for `--component`",
        "work_log": "a file of the main checkout that tells what each session does, or a table of `file` and"
        " `templates`; empty for none",
        "hosts": "name → [another machine](howto/fleet.md): `host`, `path`, and if need be `python`, `inv`,"
        " `max_sessions`",
    },
    "How long": {
        "wait": "seconds that `--wait` gives the servers to answer",
        "host_timeout": "seconds that `fleet` waits for a host that does not answer",
        "keep_removed": "days until `session.prune` forgets a removed session",
    },
}
