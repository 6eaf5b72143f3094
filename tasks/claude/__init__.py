"""Claude Code: its file, its rules, its conversations."""
