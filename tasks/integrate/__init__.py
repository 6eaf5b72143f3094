"""What ends in the base, or comes from the main checkout: sync, merge, pull request, adopt."""
