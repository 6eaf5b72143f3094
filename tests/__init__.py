"""The tests, on real git, tmux, Django and Vite; only `claude` is a stand-in."""
