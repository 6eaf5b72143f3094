"""One task, one file: what `inv session` and `inv fleet` take and print."""
