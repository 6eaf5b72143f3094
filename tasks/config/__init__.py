"""The form of the configuration."""
