"""The log as the engine needs it: where it is read from, paused, and what its ends are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from shared.runtime.records import Partition


class Bounds(NamedTuple):
    """Offset of the first record that is kept, and the one after the last."""

    start: int
    end: int


class Log(Protocol):
    """One member of a consumer group. Seek, pause and resume ignore partitions that are not assigned."""

    def assigned(self) -> frozenset[Partition]:
        """The partitions the group has given to this member; empty while it is being decided."""
        ...

    def seek(self, partition: Partition, offset: int) -> None:
        """Read on from there; what was fetched before is dropped. Never waits."""
        ...

    def pause(self, partitions: Collection[Partition]) -> None:
        """Fetch nothing more from these, and stay in the group. Never waits."""
        ...

    def resume(self, partitions: Collection[Partition]) -> None:
        """Fetch again. Never waits."""
        ...

    async def position(self, partition: Partition) -> int | None:
        """Where the next fetch begins; None when the partition is not assigned any more."""
        ...

    def end(self, partition: Partition) -> int | None:
        """The end of the log as last heard, None when not heard yet. Never waits."""
        ...

    async def bounds(
        self, partitions: Collection[Partition], *, seconds: float
    ) -> Mapping[Partition, Bounds]:
        """Ask the brokers for the ends; raises KafkaError or TimeoutError."""
        ...

    async def first_at(self, partition: Partition, offset: int, *, seconds: float) -> int | None:
        """Offset of the first record at `offset` or behind it, None when there is none yet.

        Asked of the brokers, whatever this member has fetched. Raises KafkaError or TimeoutError.
        """
        ...

    async def commit(self, offsets: Mapping[Partition, int], *, seconds: float) -> bool:
        """Commit these offsets for the group; False when this process is no member any more.

        Raises KafkaError or TimeoutError when nothing can be said.
        """
        ...
