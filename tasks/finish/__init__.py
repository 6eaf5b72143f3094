"""Bringing the work of a session to where it belongs, or into a session."""
