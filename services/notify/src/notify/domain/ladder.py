"""When a failed delivery is tried again: 12 attempts over 75 hours and 42 minutes."""

from __future__ import annotations

from typing import Final

SECOND, MINUTE, HOUR = 1, 60, 3600

LADDER: Final = (
    0,
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""Seconds to wait before each attempt, from the end of the one before."""

# A receiver that says 404 for a moment is being deployed; one that says so for two hours means it.
BRIEF_LADDER: Final = (0, 5 * MINUTE, 90 * MINUTE)

JITTER_MAX: Final = 0.2
"""Retries spread up to a fifth later, never earlier than the ladder says."""

RETRY_AFTER_MAX_SECONDS: Final = 24 * HOUR


def delay_after(attempt: int, ladder: tuple[int, ...], jitter: float) -> float | None:
    """Seconds until the next attempt once number `attempt` (from 1) has failed; None: no more.

    `jitter` is a random number from 0 to 1.
    """
    if attempt >= len(ladder):
        return None
    return ladder[attempt] * (1.0 + JITTER_MAX * jitter)
