"""The Docker engine, and what runs in it."""
