"""What removal keeps, and what comes back from it."""
