"""What runs on other machines: the standard library alone, by an older Python too."""
