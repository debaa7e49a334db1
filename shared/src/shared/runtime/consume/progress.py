"""How far a partition is read, for readiness and lag."""

from __future__ import annotations

from typing import NamedTuple


class Progress(NamedTuple):
    """How far an owned partition is read: `cursor` is committed, `end` as last heard from the broker."""

    cursor: int
    end: int

    @property
    def lag(self) -> int:
        """Records between the two."""
        return max(0, self.end - self.cursor)
