"""Programs that are sent to a host and run there: the standard library alone, before anything else is there."""
