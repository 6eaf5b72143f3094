"""The programs that are driven: git, tmux, docker."""
