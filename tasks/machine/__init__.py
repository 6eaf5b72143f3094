"""What is outside of the repository: programs, processes, terminals, files."""
