"""Fuzzy-find a session."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import SessionError, quote_text


def pick_name(names: Sequence[str], letters: str = "") -> str | None:
    """Return the one of *names* that matches *letters*, or that the person chooses; None if they cancel."""
    matches = _fitting(names, letters)
    text = letters if len(matches) == 1 else _asked(names, letters)
    matches = _fitting(names, text)
    return matches[0] if matches else None


def _asked(names: Sequence[str], letters: str) -> str:
    """Return what the person types, starting with *letters*; "" if they cancel."""
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


def _fitting(names: Sequence[str], text: str) -> list[str]:
    """Return those of *names* that have the letters *text* in this order, the best first; raise if there is none."""
    from prompt_toolkit.completion import CompleteEvent, FuzzyWordCompleter
    from prompt_toolkit.document import Document

    if not text or text in names:
        return [text] if text else []
    matches = [each.text for each in FuzzyWordCompleter(list(names)).get_completions(Document(text), CompleteEvent())]
    if not matches:
        raise SessionError(f"No session matches {quote_text(text)}. Sessions: {', '.join(names)}")
    return matches
