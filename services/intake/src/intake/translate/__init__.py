"""From bytes on the wire to domain values, and back."""
