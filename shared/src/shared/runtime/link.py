"""One idempotent aiokafka producer at a time: connected, watched, given up when broken, built anew.

It retries without end, and its sequence numbers are lost with any batch that fails; so whoever sends brings a
deadline of his own and reports here how it went, and a failed batch costs the producer.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerClosed
from aiokafka.structs import RecordMetadata

from shared.runtime.away import KAFKA_AWAY, connect_patiently, kafka_away
from shared.runtime.clock import Clock
from shared.runtime.closing import close_producer
from shared.runtime.errors import Retryable
from shared.runtime.logs import get_logger
from shared.runtime.metrics import Metrics
from shared.runtime.settings import KafkaSettings

log = get_logger()

# aiokafka's 16 KiB collapses to a tenth of the rate under a thousand concurrent sends.
BATCH_BYTES_MAX = 262_144
# Below the topic's `max.message.bytes` (1 MiB): what the broker refuses costs the whole producer.
REQUEST_BYTES_MAX = 1_000_000
# While nothing is acknowledged for this many publish deadlines, the producer counts as stuck.
STUCK_AFTER_DEADLINES = 2.0
# What other partitions have under way gets this long to arrive before a broken producer is given up.
FLUSH_SECONDS = 1.0
RECONNECT_SECONDS = 0.25
# A broker that answers again is noticed this soon, also when nobody sends because we are not ready.
PROBE_SECONDS = 0.5

Acknowledgement = asyncio.Future[RecordMetadata]


class ProducerLink:
    """Gives out the producer of the moment; callers report `acknowledged`, `missed` and `failed`."""

    def __init__(self, settings: KafkaSettings, clock: Clock, metrics: Metrics) -> None:
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._producer: AIOKafkaProducer | None = None
        self._ready = asyncio.Event()
        self._stopped = False
        self._failing_since: float | None = None
        self._unacknowledged_since: float | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.waiting: set[Acknowledgement] = set()
        """What callers wait for; when the producer is given up, they hear of it at once."""
        self.last_ack_monotonic = clock.monotonic()

    @property
    def healthy(self) -> bool:
        """Connected, and no send has failed since the broker last answered."""
        return self._ready.is_set() and not self._stopped and self._failing_since is None

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

    async def stop(self, deadline_seconds: float) -> None:
        """Flush what is under way and close; what is left at the deadline is given up."""
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        producer, self._producer = self._producer, None
        if producer is not None:
            await close_producer(producer, deadline_seconds)
        self._give_up()
        self._ready.set()

    async def current(self) -> AIOKafkaProducer:
        """The producer to send with; waits while a new one is being built, Retryable once stopped."""
        if not self._ready.is_set():
            await self._ready.wait()
        if self._producer is None:
            raise Retryable("the producer is closed")
        return self._producer

    def acknowledged(self) -> None:
        """A record has reached all in-sync replicas."""
        self.last_ack_monotonic = self._clock.monotonic()
        self._unacknowledged_since = None
        self._answers_again()

    def missed(self) -> None:
        """A deadline passed without an acknowledgement."""
        self.note_failure("deadline")
        now = self._clock.monotonic()
        # Only an acknowledgement ends this: a broker may answer while the producer's own work has died.
        if self._unacknowledged_since is None:
            self._unacknowledged_since = now
        stuck_seconds = STUCK_AFTER_DEADLINES * self._settings.publish_deadline_seconds
        if now - self._unacknowledged_since >= stuck_seconds:
            self._rebuild(self._producer, "stuck", flush_seconds=0.0)

    def failed(self, producer: AIOKafkaProducer | None, error: BaseException) -> None:
        """A batch of that producer failed for good, and its sequence numbers with it."""
        name = type(error).__name__
        self.note_failure(name)
        self._rebuild(producer, name, flush_seconds=FLUSH_SECONDS)

    def note_failure(self, error: str) -> None:
        """Count a failure that leaves the producer usable."""
        self._metrics.publish_failures.labels(error).inc()
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
            if not self._stopped:
                log.warning("broker_does_not_acknowledge", error=error)
                self._spawn(self._probe())

    def _answers_again(self) -> None:
        if self._failing_since is not None:
            seconds = round(self._clock.monotonic() - self._failing_since, 1)
            log.info("broker_answers_again", seconds=seconds)
            self._failing_since = None

    async def _probe(self) -> None:
        while self._failing_since is not None:
            await asyncio.sleep(PROBE_SECONDS)
            try:
                async with asyncio.timeout(self._settings.publish_deadline_seconds):
                    producer = await self.current()
                    await producer.client.fetch_all_metadata()
            except KAFKA_AWAY:
                continue
            self._answers_again()

    def _rebuild(self, producer: AIOKafkaProducer | None, reason: str, *, flush_seconds: float) -> None:
        # Others report the same broken producer later, when there may be a new one already.
        if self._stopped or producer is None or producer is not self._producer:
            return
        log.warning("producer_rebuilt", reason=reason)
        self._metrics.producer_rebuilds.inc()
        self._ready.clear()
        self._producer = None
        self._unacknowledged_since = None
        self._spawn(self._replace(producer, flush_seconds))

    async def _replace(self, old: AIOKafkaProducer, flush_seconds: float) -> None:
        await close_producer(old, flush_seconds)
        self._give_up()
        while True:
            try:
                self._producer = await self._connect()
            except KAFKA_AWAY:
                await asyncio.sleep(RECONNECT_SECONDS)
            else:
                self._ready.set()
                return

    def _give_up(self) -> None:
        for acknowledgement in self.waiting:
            if not acknowledgement.done():
                acknowledgement.set_exception(ProducerClosed())

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
            await close_producer(producer, FLUSH_SECONDS)
            raise
        return producer
