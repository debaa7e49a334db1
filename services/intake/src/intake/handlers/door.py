"""The door: every event that comes in is judged here and carried with others, singly or in its batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from intake.domain.callers import Caller
from intake.domain.offers import Offer
from intake.domain.repeats import after
from intake.domain.reservations import Busy, Reservation, Standing
from intake.domain.verdicts import RETRY, Refusal, Verdict, refused
from intake.handlers.batch import Batch
from intake.handlers.flights import Flight, Flights
from intake.handlers.judging import Entry, Judge
from intake.handlers.singles import Singles
from intake.ports import Away, EventLog, Places, Receipts, Times

# A second post of an id that another replica is publishing asks again after these seconds, the last for ever.
BUSY_PAUSES_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.15)


class Door:
    """Takes events in; one per process, used by all its requests at once."""

    def __init__(
        self,
        receipts: Receipts,
        log: EventLog,
        places: Places,
        times: Times,
        *,
        busy_wait_seconds: float = 3.0,
    ) -> None:
        self._receipts = receipts
        self._log = log
        self._times = times
        self._busy_wait_seconds = busy_wait_seconds
        self._judge = Judge(log, places, times)
        self._singles = Singles(self, receipts, log)
        self._flights: Flights = {}

    async def admit(self, offer: Offer, caller: Caller, sent_at: datetime | None = None) -> Verdict:
        """The verdict for one event; it is on its topic when the status is stored or replayed."""
        entry = self._judge.judge(offer, caller, sent_at)
        if isinstance(entry, Refusal):
            return refused(entry)
        identity = offer.identity
        while (first := self._flights.get(identity)) is not None:
            verdict = after(await first.landing(), first.fingerprint, offer.fingerprint)
            if verdict is not None:
                return verdict
        flight = self._flights[identity] = Flight(offer.fingerprint)
        verdict = refused(RETRY)
        try:
            verdict = await self._singles.carry(entry)
        finally:
            del self._flights[identity]
            flight.land(verdict)
        return verdict

    async def admit_all(
        self, offers: Sequence[Offer | Refusal], caller: Caller, sent_at: datetime | None = None
    ) -> list[Verdict]:
        """The verdicts of a batch, in its order; what could not even be read comes as its refusal.

        Items of one compound are published in their order; once one ends in retry, its later ones do too.
        """
        judged = [
            offer if isinstance(offer, Refusal) else self._judge.judge(offer, caller, sent_at)
            for offer in offers
        ]
        entries = [entry for entry in judged if isinstance(entry, Entry)]
        if entries:
            await Batch(entries, self, self._receipts, self._log, self._flights).carry()
        return [
            (item.verdict or refused(RETRY)) if isinstance(item, Entry) else refused(item) for item in judged
        ]

    async def outwait(self, entry: Entry, standing: Standing) -> Standing:
        """Wait, bounded, until another replica is done with that id or its reservation has expired.

        Raises Away.
        """
        until = self._times.monotonic() + self._busy_wait_seconds
        attempt = 0
        while (
            isinstance(standing, Busy)
            and standing.fingerprint == entry.offer.fingerprint
            and self._times.monotonic() < until
        ):
            await asyncio.sleep(BUSY_PAUSES_SECONDS[min(attempt, len(BUSY_PAUSES_SECONDS) - 1)])
            attempt += 1
            standing = (await self._receipts.reserve((entry.reservation,)))[0]
        return standing

    async def complete(self, stored: Sequence[tuple[Reservation, int]]) -> None:
        """Complete receipts of events that are on their topic, which is what the answer says.

        Without its receipt a later post of an event is stored again, and readers drop it by its id.
        """
        try:
            await self._receipts.complete(stored)
        except Away:
            return
