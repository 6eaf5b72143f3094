"""Other machines, over SSH."""
