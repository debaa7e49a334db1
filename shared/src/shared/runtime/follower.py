"""A topic of one partition kept in memory: read from its beginning, then followed as it grows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.events.topics import Topic
from shared.runtime.away import KAFKA_AWAY
from shared.runtime.closing import close_consumer
from shared.runtime.errors import StartupError
from shared.runtime.logs import get_logger
from shared.runtime.settings import KafkaSettings

log = get_logger()

RECONNECT_SECONDS = 1.0
# The broker answers a waiting fetch as soon as something arrives; this is only how often `idle` is called.
POLL_MS = 500


class TopicFollower:
    """Gives every record's value to `apply`, in order and once; survives a broker that goes and comes back.

    `apply` must not block and takes whatever is on the topic: None for a tombstone, any bytes. `idle` is
    called about twice a second, for what changes with time alone. What either raises is a bug: following ends
    and `ready` turns false.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topic: Topic,
        apply: Callable[[bytes | None], None],
        *,
        client_id: str,
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._partition = TopicPartition(settings.name_of(topic), 0)
        self._apply = apply
        self._idle = idle
        self._client_id = client_id
        self._next_offset = 0
        self._caught_up = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._readable = True

    @property
    def ready(self) -> bool:
        """The topic was read to the end seen at the start, and is being followed."""
        return self._caught_up.is_set() and self._following is not None and not self._following.done()

    async def start(self) -> None:
        """Read the topic to its end and go on following it; StartupError when it cannot be read in time."""
        self._following = asyncio.create_task(self._follow(), name=f"following {self._partition.topic}")
        caught_up = asyncio.ensure_future(self._caught_up.wait())
        done, _ = await asyncio.wait(
            [caught_up, self._following],
            timeout=self._settings.connect_deadline_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if caught_up in done:
            return
        caught_up.cancel()
        if self._following in done:
            self._following.result()
        await self.stop()
        raise StartupError(
            f"The topic {self._partition.topic} at {self._settings.bootstrap} cannot be read: start Kafka, "
            "correct ANXING_KAFKA__BOOTSTRAP, or run `anxing topics`."
        )

    async def stop(self) -> None:
        """Stop following; what is in memory stays."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])

    async def _follow(self) -> None:
        while True:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._settings.bootstrap,
                client_id=self._client_id,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                # New metadata soon after a broker has moved or restarted.
                metadata_max_age_ms=30_000,
            )
            try:
                await consumer.start()
                await self._read(consumer)
            except KAFKA_AWAY as error:
                self._note_unreadable(error)
            finally:
                await close_consumer(consumer)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        consumer.assign([self._partition])
        consumer.seek(self._partition, self._next_offset)
        end = (await consumer.end_offsets([self._partition]))[self._partition]
        self._readable = True
        while True:
            if not self._caught_up.is_set() and await consumer.position(self._partition) >= end:
                self._caught_up.set()
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    self._apply(record.value)
                    self._next_offset = record.offset + 1
            self._idle()

    def _note_unreadable(self, error: BaseException) -> None:
        # Once for each absence; a start that fails says so by itself.
        if self._readable and self._caught_up.is_set():
            log.warning("topic_unreadable", topic=self._partition.topic, error=type(error).__name__)
        self._readable = False
