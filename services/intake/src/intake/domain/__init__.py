"""What the door decides, as pure functions and values: the standard library and itself only."""
