"""What only this repository's contributors and newcomers need: the demo's project, the demo, the benchmark."""
