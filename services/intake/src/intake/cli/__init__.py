"""The verbs of `intake`."""
