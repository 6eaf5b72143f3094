"""The dashboard: the sessions, a preview of the chosen one, and keys that act. Textual is imported here alone."""
