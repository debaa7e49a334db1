"""What notify does: pure planning, and loops that need nothing but ports."""
