"""What is elsewhere already: on the remote, and merged."""
