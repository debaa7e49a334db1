"""Taking in many events of one request, each alone, in the order of each compound."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from intake.domain.repeats import after, conflict
from intake.domain.reservations import Busy, Fresh, Reservation, Standing
from intake.domain.verdicts import BEHIND_RETRY, RETRY, Status, Verdict, refused
from intake.handlers.flights import Flight, Flights
from intake.handlers.judging import Entry
from intake.ports import Away, EventLog, Receipts


class Waiting(Protocol):
    """What a batch shares with single events."""

    async def outwait(self, entry: Entry, standing: Standing) -> Standing: ...

    async def complete(self, stored: Sequence[tuple[Reservation, int]]) -> None: ...


class Batch:
    """One batch on its way; afterwards every entry has its verdict."""

    def __init__(
        self, entries: Sequence[Entry], door: Waiting, receipts: Receipts, log: EventLog, flights: Flights
    ) -> None:
        self._entries = entries
        self._door = door
        self._receipts = receipts
        self._log = log
        self._flights = flights

    async def carry(self) -> None:
        """Reserve, publish and complete what is ours; wait for what is another's; answer repeats."""
        own = self._board()
        try:
            await self._go(own)
        finally:
            for entry, flight in own:
                del self._flights[entry.offer.identity]
                flight.land(entry.verdict or refused(RETRY))
        for entry in self._entries:
            if entry.repeats is not None:
                entry.verdict = _repeated(entry, entry.repeats)

    def _board(self) -> list[tuple[Entry, Flight]]:
        """Register the ids as under way; ids that already are wait for those."""
        own: list[tuple[Entry, Flight]] = []
        firsts: dict[tuple[str, str], Entry] = {}
        for entry in self._entries:
            identity = entry.offer.identity
            if (first := firsts.get(identity)) is not None:
                entry.repeats = first
                continue
            firsts[identity] = entry
            if (flight := self._flights.get(identity)) is not None:
                entry.behind = flight
            else:
                flight = self._flights[identity] = Flight(entry.offer.fingerprint)
                own.append((entry, flight))
        return own

    async def _go(self, own: Sequence[tuple[Entry, Flight]]) -> None:
        if own:
            try:
                standings = await self._receipts.reserve([entry.reservation for entry, _ in own])
            except Away:
                return
            for (entry, _), standing in zip(own, standings, strict=True):
                entry.standing = standing
        going = [entry for entry in self._entries if entry.repeats is None]
        if not any(entry.behind or isinstance(entry.standing, Busy) for entry in going):
            await self._in_order(going)
            return
        # Somebody must be waited for: only the compounds concerned wait.
        lanes: dict[str, list[Entry]] = {}
        for entry in going:
            lanes.setdefault(entry.offer.key, []).append(entry)
        await asyncio.gather(*(self._in_order(lane) for lane in lanes.values()))

    async def _in_order(self, entries: Sequence[Entry]) -> None:
        """Publish in order what is ours; wait in place for what is not."""
        blocked: set[str] = set()
        going: list[Entry] = []
        for entry in entries:
            if entry.behind is not None or isinstance(entry.standing, Busy):
                await self._publish(going, blocked)
                going = []
                await self._wait_in_place(entry)
            if entry.verdict is None and isinstance(entry.standing, Fresh):
                if entry.offer.key not in blocked:
                    going.append(entry)
                    continue
                self._receipts.release((entry.reservation,))
                entry.verdict = refused(BEHIND_RETRY)
            entry.verdict = entry.verdict or entry.told(entry.standing)
            if entry.verdict.status is Status.RETRY:
                blocked.add(entry.offer.key)
        await self._publish(going, blocked)

    async def _wait_in_place(self, entry: Entry) -> None:
        if entry.behind is not None:
            first = await entry.behind.landing()
            entry.verdict = after(first, entry.behind.fingerprint, entry.offer.fingerprint) or refused(RETRY)
        elif entry.standing is not None:
            try:
                entry.standing = await self._door.outwait(entry, entry.standing)
            except Away:
                entry.verdict = refused(RETRY)

    async def _publish(self, entries: Sequence[Entry], blocked: set[str]) -> None:
        """Publish in order; `blocked` grows by the compounds of which something may not be stored."""
        if not entries:
            return
        offsets = await self._log.append_all(
            [
                (entry.reservation.topic, entry.offer.key, entry.value, entry.reservation.partition)
                for entry in entries
            ]
        )
        stored: list[tuple[Reservation, int]] = []
        for entry, offset in zip(entries, offsets, strict=True):
            if offset is None:
                self._receipts.release((entry.reservation,))
                entry.verdict = refused(RETRY)
                blocked.add(entry.offer.key)
                continue
            # Stored even where an earlier one of its compound was not: the next post gets the receipt.
            stored.append((entry.reservation, offset))
            behind = entry.offer.key in blocked
            entry.verdict = refused(BEHIND_RETRY) if behind else entry.stored(offset)
        if stored:
            await self._door.complete(stored)


def _repeated(entry: Entry, first: Entry) -> Verdict:
    """The verdict of an id that stands a second time in its batch."""
    verdict = first.verdict or refused(RETRY)
    return after(verdict, first.offer.fingerprint, entry.offer.fingerprint) or refused(
        conflict(entry.offer.fingerprint, first.offer.fingerprint)
    )
