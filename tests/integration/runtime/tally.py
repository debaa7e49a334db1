"""A service of two tables: each record becomes one row and one outbox row, so that an audit can count both.

Also a program: `python tally.py '<settings as JSON>'` runs one worker until SIGTERM.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import asyncpg
from shared.events.topics import FACTS, OUTCOMES, PARKED
from shared.runtime import cursor, logs, outbox, parking
from shared.runtime.clock import SystemClock
from shared.runtime.consume import (
    Advance,
    Batch,
    Before,
    Claim,
    Consumer,
    ParkedRecord,
    ParkingLimits,
    Partition,
    Record,
    SideWork,
)
from shared.runtime.database import Database
from shared.runtime.metrics import Metrics
from shared.runtime.parking import ParkedRelay
from shared.runtime.producer import RecordProducer
from shared.runtime.settings import DatabaseSettings, KafkaSettings, LogSettings

POISON = b"poison"
REJECT = b"reject"

# Without a key: what is doubled must be seen, not refused.
TAKEN = """
CREATE TABLE taken (
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    ledger_seq bigint NOT NULL,
    value bytea NOT NULL,
    worker text NOT NULL
)
"""


async def make_tables(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in (cursor.DDL, outbox.DDL, outbox.UNORDERED_DDL, parking.DDL, TAKEN):
            await connection.execute(statement)
    finally:
        await connection.close()


@dataclass
class Tallied:
    records: list[Record]
    parked: list[ParkedRecord]
    advances: list[Advance]


async def nothing() -> None:
    """The hook that changes nothing."""


@dataclass
class Tally:
    """The absorber. `on_prepare` and `on_write` are awaited inside, to fail, wait or freeze there."""

    output: str
    worker: str = "w"
    on_prepare: Callable[[Batch], Awaitable[None]] | None = None
    on_write: Callable[[asyncpg.Connection, Tallied], Awaitable[None]] | None = None
    after_commit: Callable[[], None] = lambda: None
    forgotten: list[Partition] = field(default_factory=list)
    seen: dict[Partition, int] = field(default_factory=dict)
    committed_batches: int = 0
    told: list[tuple[int, int]] = field(default_factory=list)

    async def prepare(self, batch: Batch) -> Tallied:
        if self.on_prepare is not None:
            await self.on_prepare(batch)
        good, parked = [], []
        for record in batch.records:
            # What an absorber may rely on: each record once per claim, in order.
            assert self.seen.get(record.source, -1) < record.offset
            self.seen[record.source] = record.offset
            if record.value == POISON:
                raise RuntimeError("poison")
            if record.value == REJECT:
                parked.append(ParkedRecord(record, "refused", "of no use"))
            else:
                good.append(record)
        rows: dict[Partition, int] = {}
        for record in good:
            rows[record.source] = rows.get(record.source, 0) + 1
        advances = [Advance(p, end, rows.get(p, 0), rows.get(p, 0)) for p, end in batch.ends().items()]
        return Tallied(good, parked, advances)

    async def write(
        self, tx: asyncpg.Connection, prepared: Tallied, before: Mapping[Partition, Before]
    ) -> None:
        seqs = {p: values.ledger_seq for p, values in before.items()}
        rows, out = [], []
        for record in prepared.records:
            seqs[record.source] += 1
            rows.append(
                (record.partition, record.offset, seqs[record.source], record.value or b"", self.worker)
            )
            out.append(
                outbox.OutboxRow(
                    record.partition,
                    self.output,
                    (record.key or b"").decode(),
                    record.value or b"",
                    f"{record.partition}/{record.offset}",
                )
            )
        if rows:
            await tx.execute(
                "INSERT INTO taken SELECT * FROM"
                " unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[])",
                *zip(*rows, strict=True),
            )
        await outbox.append(tx, out, before)
        if self.on_write is not None:
            await self.on_write(tx, prepared)

    def forget(self, partitions: Collection[Partition]) -> None:
        self.forgotten.extend(partitions)
        for partition in partitions:
            self.seen.pop(partition, None)

    async def committed(self, prepared: Tallied) -> None:
        assert prepared.advances
        self.committed_batches += 1
        self.told += [(record.partition, record.offset) for record in prepared.records]
        self.after_commit()


@dataclass
class Marks:
    """Side work: one row in `taken` (offset -1) per mark left, for each claimed partition."""

    left: int = 0
    done: int = 0
    fails: int = 0

    async def prepare(self, claims: Mapping[Partition, Claim]) -> Tallied | None:
        if self.left == 0:
            return None
        if self.fails:
            self.fails -= 1
            raise RuntimeError("side work fails")
        self.left -= 1
        return Tallied([], [], [Advance(p, None, ledger_rows=1) for p in claims])

    async def write(
        self, tx: asyncpg.Connection, prepared: Tallied, before: Mapping[Partition, Before]
    ) -> None:
        assert {advance.partition for advance in prepared.advances} == before.keys()
        for partition, values in before.items():
            await tx.execute(
                "INSERT INTO taken VALUES ($1, -1, $2, '', 'side')",
                partition.partition,
                values.ledger_seq + 1,
            )

    async def committed(self, prepared: Tallied) -> None:
        assert prepared.advances
        self.done += 1


class Worker:
    """One process of the service: database, producer, consumer, relays."""

    def __init__(
        self,
        kafka: KafkaSettings,
        url: str,
        *,
        name: str = "w",
        side_work: SideWork | None = None,
        limits: ParkingLimits | None = None,
        batch_records_max: int = 500,
        relay: bool = True,
    ) -> None:
        self.kafka, self.url, self.name = kafka, url, name
        self.metrics = Metrics(name)
        self.tally = Tally(kafka.name_of(OUTCOMES), name)
        self.side_work, self.limits, self.batch_records_max = side_work, limits, batch_records_max
        self.fatal: list[BaseException] = []
        self.with_relay = relay

    async def start(self) -> "Worker":
        clock = SystemClock()
        self.database = await Database.open(DatabaseSettings(url=self.url), application_name=self.name)
        self.producer = RecordProducer(self.kafka, clock, self.metrics)
        await self.producer.start()
        self.consumer = Consumer(
            "tally",
            settings=self.kafka,
            topic=FACTS,
            group="tally",
            database=self.database,
            absorber=self.tally,
            clock=clock,
            metrics=self.metrics,
            on_fatal=self.fatal.append,
            side_work=self.side_work,
            output=OUTCOMES,
            limits=self.limits,
            batch_records_max=self.batch_records_max,
        )
        self.relay = outbox.Relay(
            "outcomes",
            producer=self.producer,
            database=self.database,
            claims=lambda: self.consumer.claims,
            clock=clock,
            metrics=self.metrics,
        )
        self.parked = ParkedRelay(
            topic=self.kafka.name_of(PARKED),
            producer=self.producer,
            database=self.database,
            metrics=self.metrics,
        )
        self.tally.after_commit = self.relay.wake
        await self.consumer.start()
        if self.with_relay:
            await self.relay.start()
            await self.parked.start()
        return self

    async def stop(self) -> None:
        await self.consumer.stop()
        await self.relay.stop()
        await self.parked.stop()
        await self.producer.stop()
        await self.database.close()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def relay_empty(self) -> bool:
        """Whether everything that is committed is published."""
        return await self.database.pool.fetchval("SELECT count(*) FROM outbox") == 0

    def owned(self) -> set[int]:
        return {p.partition for p in self.consumer.claims}


async def fill(
    kafka: KafkaSettings, values: Sequence[tuple[int, bytes]], *, topic: str | None = None
) -> list[tuple[int, int]]:
    """Publishes (partition, value) to the facts topic; answers where each lies."""
    producer = RecordProducer(kafka, SystemClock(), Metrics("fill"))
    await producer.start()
    try:
        places = []
        name = topic or kafka.name_of(FACTS)
        for partition, value in values:
            places.append(await producer.send(name, value, key=b"C1", partition=partition))
        return [(place.partition, place.offset) for place in places]
    finally:
        await producer.stop()


async def run(given: dict[str, object]) -> None:
    logs.configure(LogSettings(format="json"), service=str(given["name"]))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    worker = Worker(KafkaSettings.model_validate(given["kafka"]), str(given["url"]), name=str(given["name"]))
    await worker.start()
    while not stop.is_set() and not worker.fatal:
        await asyncio.wait([asyncio.ensure_future(stop.wait())], timeout=0.5)
    await worker.stop()
    sys.exit(1 if worker.fatal else 0)


if __name__ == "__main__":
    asyncio.run(run(json.loads(sys.argv[1])))
