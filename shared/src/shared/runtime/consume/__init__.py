"""Exactly-once consumption of a topic into PostgreSQL: input position and effect in one transaction."""

from shared.runtime.consume.consumer import Consumer
from shared.runtime.consume.kinds import Stale, is_away
from shared.runtime.consume.limits import ParkingLimits
from shared.runtime.consume.ports import Absorber, Batch, Prepared, SideWork
from shared.runtime.cursor import Advance, Before, Claim
from shared.runtime.parking import ParkedRecord
from shared.runtime.records import Partition, Record

__all__ = [
    "Absorber",
    "Advance",
    "Batch",
    "Before",
    "Claim",
    "Consumer",
    "ParkedRecord",
    "ParkingLimits",
    "Partition",
    "Prepared",
    "Record",
    "SideWork",
    "Stale",
    "is_away",
]
