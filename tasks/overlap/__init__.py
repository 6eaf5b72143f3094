"""What clashes between sessions, and how two of them compare."""
