"""Proof that nothing was lost or counted twice, by a reader that shares no code with the services."""
