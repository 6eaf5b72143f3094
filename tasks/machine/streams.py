"""The streams that every program expects, also where whoever started us has closed one."""

import os
import sys


def complete() -> None:
    """Lead each that is closed to nowhere: the next file that is opened would get its number, and our children that."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8"))
