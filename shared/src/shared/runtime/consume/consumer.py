"""The consumer of one topic: subscriber, ownership, writer and engine put together and watched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from shared.events.topics import Topic
from shared.runtime.clock import Clock
from shared.runtime.consume.claimer import Claimer
from shared.runtime.consume.engine import Engine
from shared.runtime.consume.hints import Hints
from shared.runtime.consume.kinds import Halted
from shared.runtime.consume.limits import ParkingLimits
from shared.runtime.consume.membership import KafkaMembership, Membership
from shared.runtime.consume.ports import Absorber, SideWork
from shared.runtime.consume.progress import Progress
from shared.runtime.consume.writer import Writer
from shared.runtime.cursor import Claim
from shared.runtime.database import Database
from shared.runtime.logs import get_logger
from shared.runtime.metrics import BATCH_RESULTS, Metrics
from shared.runtime.ownership import Ownership
from shared.runtime.records import Partition
from shared.runtime.settings import KafkaSettings

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
        membership: Membership | None = None,
    ) -> None:
        """Names are the plain ones: `settings.name_of(topic)` and `settings.group(group)` are applied here.

        `output` is the topic of the outbox rows, whose tail is compared with the cursor at each claim.
        `on_fatal` is called once, when the consumer cannot go on: end the process. After too many rejects it
        is not called: the process stays up, not ready, and can show what is parked.
        `membership` is how the group is joined: through aiokafka, unless it is given.
        """
        self._name = name
        self._clock = clock
        self._metrics = metrics
        self._on_fatal = on_fatal
        self._nudge = asyncio.Event()
        self._log = membership or KafkaMembership(
            settings,
            metrics.service,
            topic=settings.name_of(topic),
            group=settings.group(group),
            output=None if output is None else settings.name_of(output),
            max_records=batch_records_max,
        )
        self._ownership = Ownership(self._log, asyncio.get_running_loop().time, self._nudge.set)
        self._hints = Hints(self._log)
        self._writer = Writer(name, database, self._nudge.set)
        self._claimer = Claimer(
            name,
            log=self._log,
            writer=self._writer,
            read_tails=None if output is None else self._log.tails,
            expires=topic.retention_days is not None,
            limits=limits or ParkingLimits(),
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
        for result in BATCH_RESULTS:
            metrics.batches.labels(name, result)
        self._joined = False
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
        await self._log.join(self._ownership, self._engine.inbox.offer)
        self._joined = True
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
        joined, self._joined = self._joined, False
        if not joined:
            return
        for gauge in (self._metrics.claims, self._metrics.lag):
            gauge.labels(self._name).set(0)
        await self._hints.last()
        await self._log.leave()

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
