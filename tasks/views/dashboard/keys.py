"""The keys of the dashboard: one table, from which the bindings, the footer, the help and the palette are made."""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """A key: its name for Textual and for people, the action of the app, what it does, and its group in the help."""

    key: str
    shown: str
    action: str
    label: str  # a word, for the footer
    help: str
    group: str


TITLE = "Keys"
GO, ACT, WORK, LOOK, OTHER = "Go there", "Sessions", "Finish the work", "Look", "This screen"

KEYS = (
    Key("enter", "enter", "attach", "attach", "attach to its tmux session", GO),
    Key("n", "n", "next", "next", "go to the next that needs you", GO),
    Key("o", "o", "open_browser", "browser", "open it in the browser", GO),
    Key("e", "e", "open_editor", "editor", "open its worktree in your editor", GO),
    Key("c", "c", "add", "add", "add a session", ACT),
    Key("p", "p", "prompt", "prompt", "send Claude a message", ACT),
    Key("a", "a", "answer", "answer", "answer its permission prompt", ACT),
    Key("r", "r", "start", "start", "start it", ACT),
    Key("x", "x", "stop", "stop", "stop it", ACT),
    Key("D", "D", "remove", "remove", "remove it", ACT),
    Key("u", "u", "restore", "restore", "restore a removed session", ACT),
    Key("y", "y", "sync", "sync", "sync it: rebase it onto its base", WORK),
    Key("m", "m", "merge", "merge", "run checks, merge it into its base", WORK),
    Key("P", "P", "pull_request", "PR", "open a pull request", WORK),
    Key("d", "d", "tab('diff')", "diff", "show everything that it changed", LOOK),
    Key("l", "l", "tab('servers')", "logs", "show what its servers print", LOOK),
    Key("left_square_bracket,left,h", "[", "turn(-1)", "", "show the tab before", LOOK),
    Key("right_square_bracket,right", "]", "turn(1)", "tab", "show the next tab", LOOK),
    Key("z", "z", "zoom", "zoom", "give the preview the whole screen", LOOK),
    Key("tab", "tab", "other_side", "", "to the preview, to scroll it, and back", LOOK),
    Key("slash", "/", "filter", "filter", "filter the list", LOOK),
    Key("s", "s", "sort", "sort", "sort by attention, name or age", LOOK),
    Key("space", "space", "mark", "mark", "mark several, to act on all of them", LOOK),
    Key("colon", ":", "command_palette", "all", "find an action by its name", OTHER),
    Key("exclamation_mark", "!", "results", "", "show what the last actions printed", OTHER),
    Key("question_mark", "?", "help", "keys", "show all keys", OTHER),
    Key("escape", "esc", "step_back", "", "clear the filter, drop the marks", OTHER),
    Key("q,ctrl+c", "q", "leave", "quit", "quit", OTHER),
)
ACTING = frozenset(each.action for each in KEYS if each.group in (GO, ACT, WORK) and each.action != "next")
MOVES = (
    ("↑ ↓ j k", "choose a session"),
    ("g G", "first, last"),
    ("pgup/dn", "a page up, down"),
    ("1-6", "show a tab"),
    ("click", "choose; twice: attach"),
)
_FIRST = {  # what the footer names first, by class of attention
    "waiting": "ad", "failed": "pdx", "finished": "pdmPxD", "working": "xd", "idle": "pdmP", "stopped": "rD",
}  # fmt: skip
_USUAL = ("enter", "n", "p", "a", "c", "d", "l", "o", "e", "r", "x", "y", "m", "P", "D", "u", "/", "s", "space")
_USELESS = {"waiting": "pr", "working": "ar", "stopped": "apxo"}  # what a class has no use for; the others: "a"
_MERGED = "Dx"  # first, once its work is on its base
_LAST = (":", "?", "q")


def footer_keys(attention: str, is_merged: bool = False, talks: bool = True) -> list[Key]:
    """Return the keys for the footer, those first that fit what a session of that class needs.

    *is_merged* says that its work is on its base, *talks* that it has a conversation that runs.
    """
    by_name = {each.shown: each for each in KEYS}
    first = _MERGED if is_merged else _FIRST.get(attention, "")
    useless = {*_USELESS.get(attention, "a"), *("mP" if is_merged else ""), *("" if talks else "p")}
    return [by_name[name] for name in dict.fromkeys(["enter", *first, *_USUAL]) if name not in useless]


def last_keys() -> list[Key]:
    """Return the keys that the footer always names."""
    return [each for each in KEYS if each.shown in _LAST]
