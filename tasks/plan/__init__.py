"""Every decision and refusal, before any effect."""
