"""The choice of a session by some of its letters."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import SessionError


def pick(names: Sequence[str]) -> str | None:
    """Return the one of *names* that the person chooses by typing some of its letters; None when they do not."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, FuzzyWordCompleter
    from prompt_toolkit.document import Document
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()
    keys.add("escape", eager=True)(lambda event: event.app.exit(exception=EOFError))
    completer = FuzzyWordCompleter(list(names))
    prompt: PromptSession[str] = PromptSession(completer=completer, complete_while_typing=True, key_bindings=keys)
    try:
        typed = prompt.prompt("session: ", pre_run=lambda: prompt.default_buffer.start_completion()).strip()
    except (KeyboardInterrupt, EOFError):
        return None
    if typed in names:
        return typed
    found = [each.text for each in completer.get_completions(Document(typed), CompleteEvent())] if typed else []
    if typed and not found:
        raise SessionError(f"no session matches {typed!r}; known: {', '.join(names)}")
    return found[0] if found else None
