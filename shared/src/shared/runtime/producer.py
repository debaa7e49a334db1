"""The one Kafka producer of a process: idempotent, acknowledged by all replicas, and never waiting for ever.

An idempotent aiokafka producer retries without end and its sequence numbers are lost with any batch that
fails, so deadlines are ours and a failed batch costs the producer: it is dropped and built anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.structs import RecordMetadata

from shared.runtime.away import KAFKA_AWAY, connect_patiently, kafka_away
from shared.runtime.clock import Clock
from shared.runtime.errors import Rejected, Retryable
from shared.runtime.logs import get_logger
from shared.runtime.metrics import Metrics
from shared.runtime.settings import KafkaSettings

log = get_logger()

# aiokafka's 16 KiB collapses to a tenth of the rate under a thousand concurrent sends.
BATCH_BYTES_MAX = 262_144
# Below the topic's `max.message.bytes` (1 MiB): what the broker refuses costs the whole producer.
REQUEST_BYTES_MAX = 1_000_000
# Without an acknowledgement for this many publish deadlines, while sends fail, the producer counts as stuck.
STUCK_AFTER_DEADLINES = 2.0
REBUILD_PAUSE_SECONDS = 0.25

Headers = Sequence[tuple[str, bytes]]


class Position(NamedTuple):
    """Where a record lies."""

    partition: int
    offset: int


class Outgoing(NamedTuple):
    """A record to be sent; without `partition` its place follows from the key by murmur2."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None


class RecordProducer:
    """Sends records and answers where they lie once every in-sync replica has them."""

    def __init__(self, settings: KafkaSettings, clock: Clock, metrics: Metrics) -> None:
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._producer: AIOKafkaProducer | None = None
        self._rebuilding: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._stopped = False
        self.last_ack_monotonic = clock.monotonic()
        self._failing_since: float | None = None

    @property
    def healthy(self) -> bool:
        """Connected, and no send has missed its deadline since the last acknowledgement."""
        return self._ready.is_set() and self._failing_since is None

    async def start(self) -> None:
        """Connect, waiting a while for a broker that is just starting; StartupError when it stays away."""
        try:
            self._producer = await connect_patiently(
                self._connect,
                to=f"Kafka {self._settings.bootstrap}",
                away=KAFKA_AWAY,
                deadline_seconds=self._settings.connect_deadline_seconds,
            )
        except KAFKA_AWAY as error:
            raise kafka_away(self._settings) from error
        self._ready.set()

    async def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes,
        partition: int | None = None,
        headers: Headers = (),
        deadline_seconds: float | None = None,
    ) -> Position:
        """Send one record and wait for all in-sync replicas.

        Retryable at the deadline or when the broker fails it: the record may still land, so its reader must
        know repeats. Rejected when it is larger than a topic takes.
        """
        try:
            async with asyncio.timeout(deadline_seconds or self._settings.publish_deadline_seconds):
                producer = await self._current()
                future = await self._enqueue(producer, topic, key, value, headers, partition)
                metadata: RecordMetadata = await future
        except TimeoutError as error:
            raise self._missed() from error
        except KafkaError as error:
            raise self._failed(error) from error
        self._acknowledged(topic, 1)
        return Position(metadata.partition, metadata.offset)

    async def send_all(
        self, records: Sequence[Outgoing], *, deadline_seconds: float | None = None
    ) -> list[Position | Retryable | Rejected]:
        """Send records in their order under one deadline; answers one position or error for each.

        Records of one key keep their order: a record after a failed one of the same partition may still be
        acknowledged, so a caller that needs the prefix property cuts at the first error of each key.
        """
        futures: list[asyncio.Future[RecordMetadata] | Retryable | Rejected] = []
        timeout = asyncio.timeout(deadline_seconds or self._settings.publish_deadline_seconds)
        try:
            async with timeout:
                producer = await self._current()
                for record in records:
                    try:
                        futures.append(await self._enqueue(producer, *record))
                    except Rejected as error:
                        futures.append(error)
                waiting = [future for future in futures if isinstance(future, asyncio.Future)]
                if waiting:
                    await asyncio.wait(waiting)
        except TimeoutError:
            self._missed()
        except KafkaError as error:
            failure = self._failed(error)
            futures.extend(failure for _ in range(len(records) - len(futures)))
        return self._collect(records, futures)

    async def stop(self, deadline_seconds: float | None = None) -> None:
        """Flush what is under way and close, within the deadline: aiokafka alone would wait for ever."""
        self._stopped = True
        self._ready.clear()
        if self._rebuilding is not None:
            self._rebuilding.cancel()
            await asyncio.wait([self._rebuilding])
        if self._producer is not None:
            await _close(self._producer, deadline_seconds or self._settings.publish_deadline_seconds)
            self._producer = None

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.bootstrap,
            client_id=f"anxing-{self._metrics.service}",
            enable_idempotence=True,
            acks="all",
            max_batch_size=BATCH_BYTES_MAX,
            max_request_size=REQUEST_BYTES_MAX,
            request_timeout_ms=int(self._settings.publish_deadline_seconds * 1000),
            # Leaders move at once after a restart of a broker; five minutes of old metadata are too long.
            metadata_max_age_ms=30_000,
        )
        try:
            async with asyncio.timeout(self._settings.publish_deadline_seconds):
                await producer.start()
        except BaseException:
            await _close(producer, 1.0)
            raise
        return producer

    async def _current(self) -> AIOKafkaProducer:
        if not self._ready.is_set():
            await self._ready.wait()
        if self._producer is None:
            raise Retryable("the producer is closed")
        return self._producer

    async def _enqueue(
        self,
        producer: AIOKafkaProducer,
        topic: str,
        key: bytes,
        value: bytes | None,
        headers: Headers,
        partition: int | None,
    ) -> asyncio.Future[RecordMetadata]:
        try:
            future: asyncio.Future[RecordMetadata] = await producer.send(
                topic, value, key=key, partition=partition, headers=headers
            )
        except MessageSizeTooLargeError as error:
            raise Rejected("too_large", "the record is larger than its topic takes") from error
        return future

    def _collect(
        self,
        records: Sequence[Outgoing],
        futures: Sequence[asyncio.Future[RecordMetadata] | Retryable | Rejected],
    ) -> list[Position | Retryable | Rejected]:
        late = Retryable("not acknowledged in time")
        answers: list[Position | Retryable | Rejected] = []
        counts: dict[str, int] = {}
        for index, record in enumerate(records):
            future = futures[index] if index < len(futures) else late
            if not isinstance(future, asyncio.Future):
                answers.append(future)
            elif not future.done() or future.cancelled():
                # It may still be acknowledged or failed; nobody asks any more.
                future.add_done_callback(_forget)
                answers.append(late)
            elif (error := future.exception()) is not None:
                answers.append(self._failed(error))
            else:
                metadata = future.result()
                answers.append(Position(metadata.partition, metadata.offset))
                counts[record.topic] = counts.get(record.topic, 0) + 1
        for topic, count in counts.items():
            self._acknowledged(topic, count)
        return answers

    def _acknowledged(self, topic: str, count: int) -> None:
        self.last_ack_monotonic = self._clock.monotonic()
        self._failing_since = None
        self._metrics.published.labels(topic).inc(count)

    def _missed(self) -> Retryable:
        now = self._clock.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        self._metrics.publish_failures.labels("deadline").inc()
        if now - self._failing_since >= STUCK_AFTER_DEADLINES * self._settings.publish_deadline_seconds:
            self._rebuild("stuck")
        return Retryable("not acknowledged in time")

    def _failed(self, error: BaseException) -> Retryable:
        name = type(error).__name__
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
        self._metrics.publish_failures.labels(name).inc()
        self._rebuild(name)
        return Retryable(f"the broker did not take the record: {name}")

    def _rebuild(self, reason: str) -> None:
        if self._stopped or (self._rebuilding is not None and not self._rebuilding.done()):
            return
        log.warning("producer_rebuilt", reason=reason)
        self._metrics.producer_rebuilds.inc()
        self._ready.clear()
        self._rebuilding = asyncio.create_task(self._replace(), name="producer rebuild")

    async def _replace(self) -> None:
        old, self._producer = self._producer, None
        if old is not None:
            await _close(old, 0.0)
        while True:
            try:
                self._producer = await self._connect()
            except KAFKA_AWAY:
                await asyncio.sleep(REBUILD_PAUSE_SECONDS)
            else:
                self._ready.set()
                return


def _forget(future: asyncio.Future[RecordMetadata]) -> None:
    if not future.cancelled():
        future.exception()


async def _close(producer: AIOKafkaProducer, deadline_seconds: float) -> None:
    """Close a producer that may never finish by itself; what is left of it is cancelled."""
    closing = asyncio.ensure_future(producer.stop())
    done, _ = await asyncio.wait([closing], timeout=deadline_seconds)
    if not done:
        closing.cancel()
        await asyncio.wait([closing], timeout=1.0)
        await asyncio.wait([asyncio.ensure_future(producer.client.close())], timeout=1.0)
