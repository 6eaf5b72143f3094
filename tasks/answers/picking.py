"""The choice of a session by some of its letters."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import SessionError


def pick(names: Sequence[str], letters: str = "") -> str | None:
    """Return the one of *names* that has *letters*, or that the person chooses of several; None when they do not."""
    found = _fitting(names, letters)
    typed = letters if len(found) == 1 else _asked(names, letters)
    found = _fitting(names, typed)
    return found[0] if found else None


def _asked(names: Sequence[str], letters: str) -> str:
    """Return what the person types, beginning with *letters*; "" when they give it up."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import FuzzyWordCompleter
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()
    keys.add("escape", eager=True)(lambda event: event.app.exit(exception=EOFError))
    completer = FuzzyWordCompleter(list(names))
    prompt: PromptSession[str] = PromptSession(completer=completer, complete_while_typing=True, key_bindings=keys)
    offer = prompt.default_buffer.start_completion
    try:
        return prompt.prompt("session: ", default=letters, pre_run=lambda: offer()).strip()
    except (KeyboardInterrupt, EOFError):
        return ""


def _fitting(names: Sequence[str], typed: str) -> list[str]:
    """Return those of *names* that have the letters *typed* in this order, the best first; raise if there is none."""
    from prompt_toolkit.completion import CompleteEvent, FuzzyWordCompleter
    from prompt_toolkit.document import Document

    if not typed or typed in names:
        return [typed] if typed else []
    found = [each.text for each in FuzzyWordCompleter(list(names)).get_completions(Document(typed), CompleteEvent())]
    if not found:
        raise SessionError(f"no session matches {typed!r}; known: {', '.join(names)}")
    return found
