"""`inv --help TASK`: what the task does, its options, and at the end an example."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

from ..system import terminal
from .invoke_extensions import SEVERAL, OptionalArgument


def print_help(program: Any, name: str) -> None:
    """Print the help of the task *name* of ours; *program* is Invoke's, which lays out the columns."""
    context = program.parser.contexts[name]
    text, _, example = (inspect.getdoc(program.collection[name]) or "").partition("Example: ")
    places = []
    for argument in context.positional_args:
        place = str(argument.name).upper() + (" ..." if context.name in SEVERAL else "")
        places.append(f"[{place}]" if isinstance(argument, OptionalArgument) else place)
    for paragraph in text.strip().split("\n\n"):
        print(f"{textwrap.fill(paragraph, min(terminal.stdout_columns() or 80, 80))}\n")
    options = context.help_tuples()
    print(f"Usage: {' '.join(['inv', name, *places, *(['[options]'] if options else [])])}\n")
    if others := [other for other, target in program.parser.contexts.aliases.items() if target == name]:
        print(f"Also called: {', '.join(sorted(others))}\n")
    if options:
        print("Options:")
        program.print_columns(options)
    print(f"Example:\n  {example.strip()}")
