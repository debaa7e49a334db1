"""The live feed never ends, happens now, and keeps every rule."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import islice

from shared.demo.district import ZONE, build_district
from shared.demo.event import Event
from shared.demo.feed import Feed
from shared.demo.story import tell
from shared.events.catalogue import lookup
from shared.events.envelope import decode_envelope
from shared.events.rules import validate, validate_envelope

TODAY = date(2026, 11, 24)
START = datetime(2026, 11, 24, 23, 30, tzinfo=ZONE).astimezone(UTC)


def taken(count: int, start: datetime = START) -> list[Event]:
    """Events of a feed whose clock moves by five seconds with each look at it, across midnight."""
    ticks = (start + timedelta(seconds=5 * n) for n in range(10**9))
    return list(islice(Feed(build_district(seed=7, today=TODAY), lambda: next(ticks)), count))


def test_every_event_is_valid_and_now() -> None:
    events = taken(2_000)
    for event in events:
        envelope = decode_envelope(event.raw)
        event_type = lookup(event.type)
        data = event_type.decode(envelope.data)
        assert validate(event_type, data) + validate_envelope(event_type, envelope, data) == []
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert events[0].time >= START


def test_it_is_repeatable_and_its_ids_are_new() -> None:
    events = taken(500)
    assert events == taken(500)
    identities = {event.identity for event in events}
    assert len(identities) == 500
    assert identities.isdisjoint({event.identity for event in taken(500, START + timedelta(seconds=1))})
    assert identities.isdisjoint(tell(build_district(seed=7, today=TODAY)).identities)


def test_hazards_and_disputes_are_followed_up() -> None:
    kinds = Counter(lookup(event.type).kind for event in taken(2_000))
    assert kinds["hazard.opened"] > kinds["hazard.rectified"] >= kinds["hazard.verified"] > 0
    assert kinds["dispute.recorded"] >= kinds["dispute.mediated"] > 0
    assert kinds["incident.recorded"] > 300


def test_facts_of_one_compound_never_go_back_in_time() -> None:
    latest: dict[str, datetime] = {}
    for event in taken(1_000):
        assert event.time >= latest.get(event.subject, START)
        latest[event.subject] = event.time
