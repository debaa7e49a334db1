"""What this service does with records of the two topics it reads: decode, decide, write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
from shared.runtime.consume import Advance, Batch, Before, ParkedRecord, Partition, Record
from shared.runtime.errors import Rejected
from shared.runtime.logs import get_logger

from notify.handlers.ingest import decide_batch
from notify.metrics import NotifyMetrics
from notify.ports import EndpointBook, LetterWriter, Outcome, Plan, Register
from notify.store.ingest import write_plan
from notify.store.registry import write_revisions
from notify.store.steady import Fetch
from notify.translate import EntityRevision, outcome_of, revision_of, sequence_of

log = get_logger()

_POSITIONS = """
SELECT partition, incarnation, sequence FROM source_position WHERE topic = $1 AND partition = ANY($2::int[])
"""


@dataclass(slots=True)
class PreparedOutcomes:
    """One batch of outcomes, decided; `positions`: (partition, incarnation) -> last sequence in it."""

    topic: str
    advances: Sequence[Advance]
    parked: Sequence[ParkedRecord]
    plan: Plan
    positions: Mapping[tuple[int, int], int]
    repeated: int
    new: int = 0


@dataclass(slots=True)
class PreparedRevisions:
    """One batch of registry events."""

    advances: Sequence[Advance]
    parked: Sequence[ParkedRecord] = field(default_factory=list)
    revisions: Sequence[EntityRevision] = field(default_factory=list)


class OutcomesAbsorber:
    """Takes over outcomes: effectively once, by the sequence of their writer and by their id."""

    def __init__(
        self,
        fetch: Fetch,
        register: Register,
        endpoints: EndpointBook,
        letters: LetterWriter,
        metrics: NotifyMetrics,
    ) -> None:
        self._fetch = fetch
        self._register = register
        self._endpoints = endpoints
        self._letters = letters
        self._metrics = metrics
        # Partition -> incarnation -> last sequence prepared; loaded at the first batch after a claim.
        self._last: dict[Partition, dict[int, int]] = {}

    async def prepare(self, batch: Batch) -> PreparedOutcomes:
        topic = batch.records[0].topic
        await self._load({record.source for record in batch.records})
        parked: list[ParkedRecord] = []
        outcomes: list[Outcome] = []
        positions: dict[tuple[int, int], int] = {}
        repeated = 0
        for record in batch.records:
            try:
                if not self._is_above(record, positions):
                    repeated += 1
                    continue
                outcomes.append(outcome_of(record))
            except Rejected as error:
                parked.append(ParkedRecord(record, error.code, error.detail))
        plan = await decide_batch(outcomes, self._register, self._endpoints, self._letters)
        for (partition, incarnation), sequence in positions.items():
            self._last[Partition(topic, partition)][incarnation] = sequence
        advances = [Advance(partition, end) for partition, end in batch.ends().items()]
        return PreparedOutcomes(topic, advances, parked, plan, positions, repeated)

    async def write(
        self,
        tx: asyncpg.Connection[asyncpg.Record],
        prepared: PreparedOutcomes,
        before: Mapping[Partition, Before],
    ) -> None:
        del before
        prepared.new = await write_plan(tx, prepared.plan, prepared.topic, prepared.positions)

    def forget(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            self._last.pop(partition, None)

    async def committed(self, prepared: PreparedOutcomes) -> None:
        count = self._metrics.outcomes.labels
        count("new").inc(prepared.new)
        count("repeated_sequence").inc(prepared.repeated)
        count("repeated_id").inc(len(prepared.plan.outcomes) - prepared.new)
        for _, decision in prepared.plan.decisions:
            self._metrics.decisions.labels(decision.action.value).inc()

    async def _load(self, partitions: Collection[Partition]) -> None:
        missing = [partition for partition in partitions if partition not in self._last]
        if not missing:
            return
        for partition in missing:
            self._last[partition] = {}
        topic = missing[0].topic
        numbers = [partition.partition for partition in missing]
        for row in await self._fetch(_POSITIONS, topic, numbers):
            self._last[Partition(topic, row["partition"])][row["incarnation"]] = row["sequence"]

    def _is_above(self, record: Record, positions: dict[tuple[int, int], int]) -> bool:
        """Whether its writer has not given us this record before; a hole in its numbers is an alarm."""
        place = sequence_of(record)
        if place is None:
            return True
        incarnation, sequence = place
        key = record.partition, incarnation
        last = positions.get(key) or self._last[record.source].get(incarnation, 0)
        if sequence <= last:
            return False
        if sequence > last + 1:
            self._metrics.gaps.inc(sequence - last - 1)
            log.error(
                "sequence_gap", partition=record.partition, incarnation=incarnation, last=last, found=sequence
            )
        positions[key] = sequence
        return True


class RegistryAbsorber:
    """Keeps what the registry says, for names and for who stands above whom."""

    async def prepare(self, batch: Batch) -> PreparedRevisions:
        parked: list[ParkedRecord] = []
        revisions: list[EntityRevision] = []
        for record in batch.records:
            try:
                if (revision := revision_of(record)) is not None:
                    revisions.append(revision)
            except Rejected as error:
                parked.append(ParkedRecord(record, error.code, error.detail))
        advances = [Advance(partition, end) for partition, end in batch.ends().items()]
        return PreparedRevisions(advances, parked, revisions)

    async def write(
        self,
        tx: asyncpg.Connection[asyncpg.Record],
        prepared: PreparedRevisions,
        before: Mapping[Partition, Before],
    ) -> None:
        del before
        if prepared.revisions:
            await write_revisions(tx, prepared.revisions)

    def forget(self, partitions: Collection[Partition]) -> None:
        """Nothing is kept in memory."""

    async def committed(self, prepared: PreparedRevisions) -> None:
        """Nobody waits for it: names are read for each batch."""
