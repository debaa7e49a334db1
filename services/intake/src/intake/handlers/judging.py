"""From an event that keeps the contract to one that may come in, stamped and ready to be published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from intake.domain.callers import Caller
from intake.domain.clocks import BACKFILL, judge_time
from intake.domain.offers import Family, Offer
from intake.domain.permits import permit
from intake.domain.repeats import conflict, replay
from intake.domain.reservations import Barred, Busy, Reservation, Settled, Standing
from intake.domain.roles import rank
from intake.domain.stamps import stamped
from intake.domain.verdicts import RETRY, Receipt, Refusal, Status, Verdict, refused
from intake.handlers.flights import Flight
from intake.ports import EventLog, Places, Times

TICK = timedelta(microseconds=1)
MILLISECOND = timedelta(milliseconds=1)
# A clock that goes back by more was wrong before, and what it said then is not held on to.
BACK_MAX = timedelta(seconds=5)


@dataclass(slots=True)
class Entry:
    """One event that may come in: what is reserved for it and what is published.

    `behind` is another request's event with the same id, `repeats` an earlier one of the same batch.
    """

    offer: Offer
    reservation: Reservation
    value: bytes
    standing: Standing | None = None
    verdict: Verdict | None = None
    behind: Flight | None = None
    repeats: Entry | None = None

    def stored(self, offset: int) -> Verdict:
        """Its verdict once every in-sync replica has it at that offset."""
        reserved = self.reservation
        receipt = Receipt(
            self.offer.sent_id,
            reserved.topic,
            reserved.partition,
            offset,
            reserved.received_at,
            reserved.fingerprint,
        )
        return Verdict(Status.STORED, receipt=receipt)

    def told(self, standing: Standing | None) -> Verdict:
        """Its verdict when the id is not ours to publish."""
        match standing:
            case Settled(receipt):
                return replay(receipt, self.offer.fingerprint)
            case Barred(refusal):
                return refused(refusal)
            case Busy(fingerprint) if fingerprint != self.offer.fingerprint:
                return refused(conflict(self.offer.fingerprint, fingerprint))
            case _:
                return refused(RETRY)


class Judge:
    """Judges rights and time, and stamps; one per process, because received times only grow."""

    def __init__(self, log: EventLog, places: Places, times: Times) -> None:
        self._log = log
        self._places = places
        self._times = times
        self._last_received = times.now()

    def judge(self, offer: Offer, caller: Caller, sent_at: datetime | None) -> Entry | Refusal:
        """The entry of one event, or why it stays outside."""
        received_at = self._received_at()
        places = self._places.of(offer.subject) if offer.family is Family.FACT else None
        sender = permit(caller, offer, places, received_at)
        if isinstance(sender, Refusal):
            return sender
        skew = None if sent_at is None else received_at - sent_at
        old_allowed = offer.revision > 1 or BACKFILL in sender.rights
        quality = judge_time(offer.occurred_at, received_at, skew, old_allowed=old_allowed)
        if isinstance(quality, Refusal):
            return quality
        role = sender.role_for(offer.kind) or ""
        reservation = Reservation(
            offer.id,
            offer.source,
            offer.fingerprint,
            sender.credential,
            offer.topic,
            self._log.partition_of(offer.topic, offer.key),
            received_at,
            offer.family is not Family.ACCESS,
            offer.subject,
            offer.root,
            offer.revision,
            sender.belongs_to,
            sender.rank_for(offer.kind) if offer.revision > 1 else rank(role),
            offer.kind,
            offer.withdraws,
            offer.day,
            sender.roles,
        )
        skew_ms = None if skew is None else skew // MILLISECOND
        return Entry(offer, reservation, stamped(offer.raw, received_at, sender, role, quality, skew_ms))

    def _received_at(self) -> datetime:
        """Now, and later than every time given before: equal revisions are told apart by it."""
        now = self._times.now()
        if self._last_received - BACK_MAX < now <= self._last_received:
            now = self._last_received + TICK
        self._last_received = now
        return now
