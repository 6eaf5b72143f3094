"""What is kept on disk: the registry, names, ports, archives."""
