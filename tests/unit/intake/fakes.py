"""The ports of the door in memory; receipts pass the same suite as those on PostgreSQL."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from intake.domain.heads import SUBJECT_CHANGED, Correction, Head, judge_correction
from intake.domain.places import Whereabouts
from intake.domain.reservations import FRESH, Barred, Busy, Reservation, Settled, Standing
from intake.domain.verdicts import Receipt
from intake.ports import Away, EventLog, LookUp, Places, Receipts, Times
from shared.runtime.clock import FixedClock

from tests.unit.intake.events import NOW


@dataclass
class Row:
    reservation: Reservation
    free: bool = False
    offset: int | None = None


@dataclass
class Shelf:
    """What all replicas share."""

    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    heads: dict[tuple[str, str], Head] = field(default_factory=dict)
    known: set[tuple[str, str]] = field(default_factory=set)


class MemoryReceipts(Receipts, LookUp):
    def __init__(self, shelf: Shelf | None = None, *, reserved_seconds: float = 60.0) -> None:
        self.shelf = shelf or Shelf()
        self.away = False
        self._expires_at_once = reserved_seconds < 0

    async def reserve(self, reservations: Sequence[Reservation]) -> Sequence[Standing]:
        await asyncio.sleep(0)
        if self.away:
            raise Away
        first = [self._claim(wanted) for wanted in reservations]
        return [self._head(wanted, standing) for wanted, standing in zip(reservations, first, strict=True)]

    async def complete(self, receipts: Sequence[tuple[Reservation, int]]) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise Away
        for reservation, offset in receipts:
            self.shelf.rows[reservation.id, reservation.source].offset = offset

    def release(self, reservations: Sequence[Reservation]) -> None:
        for reservation in reservations:
            self.shelf.rows[reservation.id, reservation.source].free = True

    async def find(
        self, event_id: str, source: str | None, credential: str
    ) -> Sequence[tuple[str, Receipt | None]]:
        return sorted(
            (known_source, self._receipt(row))
            for (known_id, known_source), row in self.shelf.rows.items()
            if known_id == event_id
            and (source == known_source or (source is None and row.reservation.credential == credential))
        )

    def _claim(self, wanted: Reservation) -> Standing:
        row = self.shelf.rows.get((wanted.id, wanted.source))
        if row is None:
            self.shelf.rows[wanted.id, wanted.source] = Row(wanted, free=self._expires_at_once)
            if wanted.begins:
                self._begin(wanted)
            return FRESH
        if (receipt := self._receipt(row)) is not None:
            return Settled(receipt)
        if row.free and row.reservation.fingerprint == wanted.fingerprint:
            row.free = self._expires_at_once
            row.reservation = wanted
            return FRESH
        return Busy(row.reservation.fingerprint)

    def _begin(self, first: Reservation) -> None:
        place = first.root, first.subject
        head = self.shelf.heads.get(place)
        if place not in self.shelf.known:
            self.shelf.known.add(place)
            revision, event_id = (1, first.id) if head is None else (head.revision, head.event_id)
            self.shelf.heads[place] = Head(revision, event_id, first.recorder, first.rank, first.kind)

    def _head(self, wanted: Reservation, standing: Standing) -> Standing:
        if standing is not FRESH or not wanted.corrects:
            return standing
        place = wanted.root, wanted.subject
        head = self.shelf.heads.get(place)
        correction = Correction(
            wanted.id,
            wanted.revision,
            wanted.recorder,
            wanted.rank,
            wanted.kind,
            withdraws=wanted.withdraws,
            roles=wanted.roles,
        )
        refusal = judge_correction(head, correction)
        if place not in self.shelf.known and any(
            root == wanted.root and subject != wanted.subject for root, subject in self.shelf.known
        ):
            refusal = SUBJECT_CHANGED
        if refusal is not None:
            del self.shelf.rows[wanted.id, wanted.source]
            return Barred(refusal)
        if head is None:
            kind = None if wanted.withdraws else wanted.kind
            self.shelf.heads[place] = Head(wanted.revision, wanted.id, wanted.recorder, wanted.rank, kind)
        else:
            self.shelf.heads[place] = Head(wanted.revision, wanted.id, head.recorder, head.rank, head.kind)
        return FRESH

    @staticmethod
    def _receipt(row: Row) -> Receipt | None:
        if row.offset is None:
            return None
        kept = row.reservation
        return Receipt(kept.id, kept.topic, kept.partition, row.offset, kept.received_at, kept.fingerprint)


class MemoryLog(EventLog):
    """Records by order of arrival; `failing` keys are not acknowledged, `gate` holds every publish back."""

    def __init__(self) -> None:
        self.records: list[tuple[str, bytes]] = []
        self.failing: set[str] = set()
        self.calls = 0
        self.called = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def append_all(self, records: Sequence[tuple[str, str, bytes, int]]) -> Sequence[int | None]:
        self.calls += 1
        self.called.set()
        await self.gate.wait()
        return [self._append(key, value) for _, key, value, _ in records]

    def partition_of(self, topic: str, key: str) -> int:
        return (len(topic) + len(key)) % 4

    def _append(self, key: str, value: bytes) -> int | None:
        if key in self.failing:
            return None
        self.records.append((key, value))
        return len(self.records) - 1


class FixedPlaces(Places):
    def __init__(self, **places: Whereabouts) -> None:
        self.places = places

    def of(self, compound: str) -> Whereabouts | None:
        return self.places.get(compound)


class StepClock(Times):
    """Wall time stands still; monotonic time runs, so that waiting ends."""

    def __init__(self) -> None:
        self._clock = FixedClock(NOW)

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        self._clock.advance(seconds=0.2)
        self._clock.set(NOW)
        return self._clock.monotonic()
