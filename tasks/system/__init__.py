"""Processes, files, locks, signals, the terminal."""
