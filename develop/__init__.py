"""Tools for contributors and newcomers: demo, benchmark, embedding and manual. They are not embedded."""
