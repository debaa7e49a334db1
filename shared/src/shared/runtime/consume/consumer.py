"""The consumer of one topic: subscriber, ownership, writer and engine put together and watched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

from faststream.kafka import KafkaBroker

from shared.events.topics import Topic
from shared.runtime.away import KAFKA_AWAY, connect_patiently, kafka_away
from shared.runtime.broker import KafkaLog, batch_subscriber, build_broker
from shared.runtime.clock import Clock
from shared.runtime.consume.claimer import Claimer
from shared.runtime.consume.engine import Engine
from shared.runtime.consume.hints import Hints
from shared.runtime.consume.kinds import Halted
from shared.runtime.consume.limits import ParkingLimits
from shared.runtime.consume.ports import Absorber, SideWork
from shared.runtime.consume.progress import Progress
from shared.runtime.consume.writer import Writer
from shared.runtime.cursor import Claim
from shared.runtime.database import Database
from shared.runtime.logs import get_logger
from shared.runtime.metrics import Metrics
from shared.runtime.ownership import Ownership
from shared.runtime.records import Partition
from shared.runtime.settings import KafkaSettings
from shared.runtime.tail import Tail, read_tails

log = get_logger()

BATCH_RECORDS_MAX = 5000
WATCH_SECONDS = 1.0
STOP_WITHIN_SECONDS = 5.0


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
        on_fatal: Callable[[BaseException], None],
        side_work: SideWork[Any] | None = None,
        output: Topic | None = None,
        limits: ParkingLimits | None = None,
        batch_records_max: int = BATCH_RECORDS_MAX,
    ) -> None:
        """Names are the plain ones: `settings.name_of(topic)` and `settings.group(group)` are applied here.

        `output` is the topic of the outbox rows, whose tail is compared with the cursor at each claim.
        `on_fatal` is called once, when the consumer cannot go on: end the process. After too many rejects it
        is not called: the process stays up, not ready, and can show what is parked.
        """
        self._name = name
        self._settings = settings
        self._topic = settings.name_of(topic)
        self._group = settings.group(group)
        self._output = None if output is None else settings.name_of(output)
        self._expires = topic.retention_days is not None
        self._database = database
        self._absorber = absorber
        self._side_work = side_work
        self._clock = clock
        self._metrics = metrics
        self._on_fatal = on_fatal
        self._limits = limits or ParkingLimits()
        self._batch_records_max = batch_records_max
        self._nudge = asyncio.Event()
        self._log = KafkaLog()
        self._ownership = Ownership(self._log, asyncio.get_running_loop().time, self._nudge.set)
        self._hints = Hints(self._log)
        self._writer = Writer(name, database, self._nudge.set)
        self._claimer = Claimer(
            name,
            log=self._log,
            writer=self._writer,
            read_tails=self._read_tails if self._output else None,
            expires=self._expires,
            limits=self._limits,
            metrics=metrics,
        )
        self._engine = Engine(
            name,
            log=self._log,
            ownership=self._ownership,
            writer=self._writer,
            claimer=self._claimer,
            absorber=absorber,
            side_work=side_work,
            nudge=self._nudge,
            on_committed=self._hints.note,
            hold_off_seconds=settings.session_timeout_ms / 1000,
            metrics=metrics,
        )
        self._broker: KafkaBroker | None = None
        self._running: asyncio.Task[None] | None = None
        self._helpers: list[asyncio.Task[None]] = []
        self._stopping = False
        self.trouble: str | None = None

    @property
    def claims(self) -> Mapping[Partition, Claim]:
        """The partitions this process owns now; the mapping is live."""
        return self._ownership.claims

    @property
    def paused(self) -> bool:
        """Whether nothing is read because a server is away or claims are being taken."""
        return self._engine.away or bool(self._ownership.unclaimed())

    @property
    def ready(self) -> bool:
        """Joined the group, all that it assigned is claimed, the database answers, nothing fatal."""
        return (
            self._running is not None
            and not self._running.done()
            and not self._stopping
            and self.trouble is None
            and self._ownership.joined
            and not self._engine.away
            and self._ownership.assigned == self._ownership.claims.keys()
        )

    def progress(self) -> Mapping[Partition, Progress]:
        """Cursor and end of the log of each owned partition."""
        found: dict[Partition, Progress] = {}
        for partition, claim in self._ownership.claims.items():
            heard = self._log.end(partition) or 0
            end = max(heard, self._claimer.ends.get(partition, 0), claim.next_offset)
            found[partition] = Progress(claim.next_offset, end)
        return found

    def lag(self) -> Mapping[Partition, int]:
        """Records between cursor and end of the log per owned partition."""
        return {partition: progress.lag for partition, progress in self.progress().items()}

    def wake(self) -> None:
        """Look for side work now."""
        self._engine.wake()

    async def start(self) -> None:
        """Join the group and begin; StartupError when Kafka cannot be reached."""
        try:
            self._broker = await connect_patiently(
                self._connect,
                to=f"Kafka {self._settings.bootstrap}",
                away=KAFKA_AWAY,
                deadline_seconds=self._settings.connect_deadline_seconds,
            )
        except KAFKA_AWAY as error:
            raise kafka_away(self._settings) from error
        self._running = asyncio.create_task(self._run(), name=f"consumer {self._name}")
        self._helpers = [
            asyncio.create_task(self._hints.run(), name=f"hints {self._name}"),
            asyncio.create_task(self._watch(), name=f"watch {self._name}"),
        ]

    async def stop(self) -> None:
        """Finish the batch being written, give the partitions back, leave the group."""
        self._stopping = True
        self._engine.stop()
        if self._running is not None:
            await asyncio.wait([self._running], timeout=STOP_WITHIN_SECONDS)
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._leave()

    async def _connect(self) -> KafkaBroker:
        broker = build_broker(self._settings, self._metrics.service)
        subscriber = batch_subscriber(
            broker,
            self._topic,
            group=self._group,
            listener=self._ownership,
            handler=self._engine.inbox.offer,
            max_records=self._batch_records_max,
            session_timeout_ms=self._settings.session_timeout_ms,
        )
        self._log.attach(subscriber)
        try:
            await broker.start()
        except BaseException:
            await broker.stop()
            raise
        return broker

    async def _run(self) -> None:
        try:
            await self._engine.run()
        except Halted as halted:
            self._fail(halted.sentence, halted, ends_process=halted.ends_process)
        except Exception as error:
            # A bug of the engine itself: whatever state it is in, a new process starts from the cursors.
            log.exception("consumer_failed", consumer=self._name)
            self._fail(f"{self._name}: {type(error).__name__}", error, ends_process=True)
        if self.trouble is not None and not self._stopping:
            await self._leave()

    async def _leave(self) -> None:
        """Leave the group, so that others may take over at once."""
        for helper in self._helpers:
            helper.cancel()
        if self._helpers:
            await asyncio.wait(self._helpers)
        self._helpers = []
        broker, self._broker = self._broker, None
        if broker is None:
            return
        for gauge in (self._metrics.claims, self._metrics.lag):
            gauge.labels(self._name).set(0)
        await self._hints.last()
        await self._log.leave(broker.stop)

    async def _watch(self) -> None:
        while True:
            failure = self._log.failure()
            if failure is not None:
                self._fail(f"{self._name}: the membership in the group is dead", failure, ends_process=True)
                return
            self._metrics.claims.labels(self._name).set(len(self.claims))
            self._metrics.lag.labels(self._name).set(sum(self.lag().values()))
            await asyncio.sleep(WATCH_SECONDS)

    def _fail(self, sentence: str, error: BaseException, *, ends_process: bool) -> None:
        if self.trouble is not None:
            return
        self.trouble = sentence
        log.error("consumer_halted", consumer=self._name, reason=sentence)
        if ends_process and not self._stopping:
            self._on_fatal(error)

    async def _read_tails(self, partitions: Collection[Partition]) -> Mapping[Partition, Tail]:
        assert self._output is not None
        tails = await read_tails(self._settings, [Partition(self._output, p.partition) for p in partitions])
        return {Partition(self._topic, output.partition): tail for output, tail in tails.items()}
