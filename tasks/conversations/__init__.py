"""Claude Code: its conversations, what they do, and what they may."""
