"""The HTTP edge of intake."""
