"""What tests stand on: sandboxes, projects, stand-ins."""
