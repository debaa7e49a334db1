"""Bounds of one worker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a worker does at once, and how long it waits for anything; times in seconds."""

    requests_max: int = 400
    slow_share: float = 0.25
    """Part of the requests that endpoints may hold which do not answer promptly."""
    urgent_reserve: int = 40
    """Of the prompt part: kept for lanes with something urgent due."""
    lanes_per_round: int = 64
    lease_seconds: float = 60.0
    lease_margin_seconds: float = 5.0
    """Our lease ends this much earlier for us than for others: clocks and pauses of the process."""
    attempt_seconds_max: float = 15.0
    poll_seconds: float = 1.0
    lag_check_seconds: float = 0.25
    linger_seconds: float = 0.02
    """How long a result may wait for others before it is written."""
    results_per_round: int = 64
    turn_seconds_max: float = 2.0
    """When lanes wait for room, the one in hand is passed on after this long."""
    retry_seconds: float = 0.5
    """Pause between tries while the database is away."""
