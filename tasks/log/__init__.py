"""The work log: its text and its file."""
