"""The consumer of one topic: owns partitions, absorbs batches, commits position and effect together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from shared.runtime.consume.limits import ParkingLimits
from shared.runtime.consume.ports import Absorber, SideWork
from shared.runtime.cursor import Claim
from shared.runtime.records import Partition

if TYPE_CHECKING:
    from shared.events.topics import Topic
    from shared.runtime.clock import Clock
    from shared.runtime.database import Database
    from shared.runtime.metrics import Metrics
    from shared.runtime.settings import KafkaSettings


class Consumer:
    """One member of a consumer group, exactly once into PostgreSQL."""

    def __init__(
        self,
        name: str,
        *,
        settings: KafkaSettings,
        topic: Topic,
        group: str,
        database: Database,
        absorber: Absorber[Any],
        clock: Clock,
        metrics: Metrics,
        on_fatal: Callable[[Exception], None],
        side_work: SideWork[Any] | None = None,
        output: Topic | None = None,
        limits: ParkingLimits | None = None,
    ) -> None:
        """Names are the plain ones: `settings.name_of(topic)` and `settings.group(group)` are applied here.

        `output` is the topic of the outbox rows, whose tail is compared with the cursor at each claim.
        `on_fatal` is called once, when the consumer cannot go on: end the process.
        """
        raise NotImplementedError

    @property
    def claims(self) -> Mapping[Partition, Claim]:
        """The partitions this process owns now; the mapping is live."""
        raise NotImplementedError

    @property
    def ready(self) -> bool:
        """Joined the group, nothing fatal, the database answers."""
        raise NotImplementedError

    def lag(self) -> Mapping[Partition, int | None]:
        """Records between cursor and end of the log per claimed partition; None while not known."""
        raise NotImplementedError

    def wake(self) -> None:
        """Look for side work now."""
        raise NotImplementedError

    async def start(self) -> None:
        """Join the group and begin; StartupError when Kafka cannot be reached."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Finish the batch being written, give the partitions back, leave the group."""
        raise NotImplementedError
