"""The state of the sessions, their problems and conflicts."""
