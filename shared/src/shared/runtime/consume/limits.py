"""When parking is no longer about a record: a run or a share of rejects that stops the consumer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParkingLimits:
    """Bounds per partition: a bad deploy must not drain a topic into the parking place.

    `run_max` rejects in a row, or more than `share_max` of the last `window` records, stop the consumer.
    """

    run_max: int = 20
    share_max: float = 0.5
    window: int = 200
