"""The `session:` part of invoke.yaml."""
