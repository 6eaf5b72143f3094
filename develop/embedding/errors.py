"""What keeps the sessions out of a repository."""


class EmbedError(Exception):
    """The sessions cannot be embedded; the message says why and what to do."""
