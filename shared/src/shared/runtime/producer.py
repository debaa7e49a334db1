"""The one way to put records on Kafka: acknowledged by all in-sync replicas, or an error at a deadline."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    UnknownTopicOrPartitionError,
)
from aiokafka.structs import RecordMetadata

from shared.runtime.batches import Headers, Outgoing, Share, enqueue
from shared.runtime.clock import Clock
from shared.runtime.closing import forget
from shared.runtime.errors import Rejected, Retryable
from shared.runtime.link import Acknowledgement, ProducerLink
from shared.runtime.metrics import Metrics
from shared.runtime.settings import KafkaSettings

__all__ = ["Answer", "Outgoing", "Position", "RecordProducer"]


class Position(NamedTuple):
    """Where a record lies; offset -1 when the broker knows it from an earlier try and no longer tells."""

    partition: int
    offset: int


Answer = Position | Retryable | Rejected


class RecordProducer:
    """Sends records and answers where they lie."""

    def __init__(self, settings: KafkaSettings, clock: Clock, metrics: Metrics) -> None:
        self._deadline_seconds = settings.publish_deadline_seconds
        self._metrics = metrics
        self._link = ProducerLink(settings, clock, metrics)

    @property
    def healthy(self) -> bool:
        """Connected, and no send has failed since the broker last answered."""
        return self._link.healthy

    @property
    def last_ack_monotonic(self) -> float:
        """When a record was last acknowledged, on the monotonic clock; the start counts as one."""
        return self._link.last_ack_monotonic

    async def start(self) -> None:
        """Connect, waiting a while for a broker that is just starting; StartupError when it stays away."""
        await self._link.start()

    async def stop(self, deadline_seconds: float | None = None) -> None:
        """Flush what is under way and close; who still waits at the deadline gets Retryable."""
        await self._link.stop(self._deadline_seconds if deadline_seconds is None else deadline_seconds)

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
        producer: AIOKafkaProducer | None = None
        acknowledgement: Acknowledgement | None = None
        try:
            async with asyncio.timeout(deadline_seconds or self._deadline_seconds):
                producer = await self._link.current()
                acknowledgement = await self._enqueue(producer, topic, key, value, headers, partition)
                self._link.waiting.add(acknowledgement)
                metadata: RecordMetadata = await acknowledgement
        except TimeoutError as error:
            self._link.missed()
            raise _late() from error
        except KafkaError as error:
            raise self._failed(producer, error) from error
        finally:
            if acknowledgement is not None:
                self._link.waiting.discard(acknowledgement)
        self._acknowledged(topic, 1)
        return Position(metadata.partition, metadata.offset)

    async def send_all(
        self, records: Sequence[Outgoing], *, deadline_seconds: float | None = None
    ) -> list[Answer]:
        """Send records in their order under one deadline; answers one position or error for each.

        Records of one partition reach it in their order, but one after a failed one may still be stored: who
        needs the prefix property cuts at the first error of each key.
        """
        sent: list[Share | Retryable | Rejected | None] = [None] * len(records)
        producer: AIOKafkaProducer | None = None
        waiting: set[Acknowledgement] = set()
        failure = _late()
        try:
            async with asyncio.timeout(deadline_seconds or self._deadline_seconds):
                producer = await self._link.current()
                await self._hand_over(producer, records, sent)
                waiting = {each.acknowledgement for each in sent if isinstance(each, Share)}
                self._link.waiting |= waiting
                if waiting:
                    await asyncio.wait(waiting)
        except TimeoutError:
            self._link.missed()
        except Retryable as error:
            failure = error
        except KafkaError as error:
            failure = self._failed(producer, error)
        finally:
            self._link.waiting -= waiting
            for acknowledgement in {each.acknowledgement for each in sent if isinstance(each, Share)}:
                acknowledgement.add_done_callback(forget)
        return self._collect(producer, records, [failure if each is None else each for each in sent])

    async def _hand_over(
        self,
        producer: AIOKafkaProducer,
        records: Sequence[Outgoing],
        sent: list[Share | Retryable | Rejected | None],
    ) -> None:
        """Give all records to the library; `sent` says of each what became of it."""
        placed: list[int] = []
        for number, record in enumerate(records):
            if record.partition is not None and not record.too_large:
                placed.append(number)
                continue
            try:
                sent[number] = Share(await self._enqueue(producer, *record))
            except Rejected as error:
                sent[number] = error
        if placed:
            try:
                await enqueue(
                    producer,
                    [records[number] for number in placed],
                    lambda place, share: sent.__setitem__(placed[place], share),
                )
            except (KafkaTimeoutError, UnknownTopicOrPartitionError) as error:
                raise self._unsent(error) from error

    async def _enqueue(
        self,
        producer: AIOKafkaProducer,
        topic: str,
        key: bytes,
        value: bytes | None,
        headers: Headers,
        partition: int | None,
    ) -> Acknowledgement:
        try:
            acknowledgement: Acknowledgement = await producer.send(
                topic, value, key=key, partition=partition, headers=headers
            )
        except MessageSizeTooLargeError as error:
            raise Rejected("too_large", "the record is larger than its topic takes") from error
        except (KafkaTimeoutError, UnknownTopicOrPartitionError) as error:
            raise self._unsent(error) from error
        return acknowledgement

    def _unsent(self, error: KafkaError) -> Retryable:
        # Nothing was sent, so no sequence number is lost.
        self._link.note_failure(type(error).__name__)
        return _failure(error)

    def _collect(
        self,
        producer: AIOKafkaProducer | None,
        records: Sequence[Outgoing],
        sent: Sequence[Share | Retryable | Rejected],
    ) -> list[Answer]:
        answers: list[Answer] = []
        stored: Counter[str] = Counter()
        for record, each in zip(records, sent, strict=True):
            if not isinstance(each, Share):
                answers.append(each)
            elif not each.acknowledgement.done() or each.acknowledgement.cancelled():
                answers.append(_late())
            elif (error := each.acknowledgement.exception()) is not None:
                answers.append(self._failed(producer, error))
            else:
                metadata = each.acknowledgement.result()
                known = metadata.offset >= 0
                answers.append(Position(metadata.partition, metadata.offset + each.place if known else -1))
                stored[record.topic] += 1
        for topic, count in stored.items():
            self._acknowledged(topic, count)
        return answers

    def _acknowledged(self, topic: str, count: int) -> None:
        self._link.acknowledged()
        self._metrics.published.labels(topic).inc(count)

    def _failed(self, producer: AIOKafkaProducer | None, error: BaseException) -> Retryable:
        self._link.failed(producer, error)
        return _failure(error)


def _late() -> Retryable:
    return Retryable("not acknowledged in time")


def _failure(error: BaseException) -> Retryable:
    return Retryable(f"the broker did not take the record: {type(error).__name__}")
