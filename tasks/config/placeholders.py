"""`{name}`, `{slug}`, a port's key …: what a value of the configuration may refer to."""

import re
from collections.abc import Mapping

from ..errors import SessionError, quote_text
from ..system.patterns import late_pattern
from .secrets import is_secret

# `${VARIABLE}` belongs to the shell; `{{word}}` stands for a literal `{word}`.
_PLACEHOLDER = late_pattern(r"(?<!\$)\{\{(\w+)\}\}|(?<!\$)\{([A-Za-z_]\w*)\}")


def expand_placeholders(text: str, facts: Mapping[str, str], key: str) -> str:
    """Return *text* with each placeholder replaced by its fact.

    Raises `SessionError` naming the configuration *key* for an unknown one.
    """

    def fact(match: re.Match[str]) -> str:
        literal, name = match.groups()
        if literal is not None:
            return "{" + str(literal) + "}"
        if name not in facts:
            names, where = ", ".join(sorted(facts)), "" if is_secret(key) else f" in {quote_text(text)}"
            raise SessionError(
                f"session.{key}: unknown placeholder {{{name}}}{where}. Known: {names}\n"
                f"For a literal {{{name}}} write {{{{{name}}}}}."
            )
        return facts[name]

    return _PLACEHOLDER.sub(fact, text)
