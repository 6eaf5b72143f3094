"""The ids of conversations."""

import os
from itertools import pairwise


def new_conversation_id() -> str:
    """Return an id for a new conversation."""
    number = bytearray(os.urandom(16))  # as `uuid.uuid4` does, whose module takes a hundredth of an `add` to load
    number[6], number[8] = number[6] & 0x0F | 0x40, number[8] & 0x3F | 0x80
    return "-".join(number[start:end].hex() for start, end in pairwise((0, 4, 6, 8, 10, 16)))
