"""What a key may send: its types, its scope, and what was so when an event was recorded."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from intake.domain.callers import GRACE, Caller, Reach
from intake.domain.offers import Family, Offer
from intake.domain.permits import (
    AFTER_EXPIRY,
    GRACE_OVER,
    NO_ROLE,
    OUT_OF_SCOPE,
    TYPE_NOT_ALLOWED,
    permit,
)
from intake.domain.places import FormerPlacement, Placement, Registration, Whereabouts
from intake.domain.verdicts import Refusal

from tests.unit.intake.events import NOW, caller, offer

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
HERE = Placement("M1", "S1")
THERE = Placement("M2", "S2")


def lying(now: Placement, *former: FormerPlacement) -> Whereabouts:
    return Whereabouts(Registration(NOW.date(), NOW, now), former=former)


PLACES = lying(HERE)
S1, S2 = (Reach(stations=frozenset({station})) for station in ("S1", "S2"))


def verdict(
    key: Caller, sent: Offer, places: Whereabouts | None = None, at: datetime = NOW
) -> Refusal | None:
    found = permit(key, sent, places, at)
    return found if isinstance(found, Refusal) else None


def test_a_key_is_held_to_its_types_and_roles() -> None:
    sent = offer()
    assert verdict(caller(), sent) is None
    only_hazards = caller(event_types=frozenset({"anxing.hazard.opened.v1"}))
    assert verdict(only_hazards, sent) is TYPE_NOT_ALLOWED
    assert verdict(caller("guard"), sent) is NO_ROLE


@pytest.mark.parametrize(
    "reach",
    [
        Reach(everything=True),
        Reach(compounds=frozenset({"C00017"})),
        Reach(communities=frozenset({"M1"})),
        Reach(stations=frozenset({"S1"})),
        Reach(compounds=frozenset({"C1"}), stations=frozenset({"S1"})),
    ],
)
def test_inside_the_scope(reach: Reach) -> None:
    assert verdict(caller(reach=reach), offer(), PLACES) is None


@pytest.mark.parametrize(
    "reach",
    [
        Reach(),
        Reach(compounds=frozenset({"C00018"})),
        Reach(communities=frozenset({"M2"})),
        Reach(stations=frozenset({"S2"}), communities=frozenset({"S1"})),
    ],
)
def test_outside_the_scope(reach: Reach) -> None:
    assert verdict(caller(reach=reach), offer(), PLACES) is OUT_OF_SCOPE


def test_an_unknown_compound_is_reached_by_its_own_id_only() -> None:
    sent = offer(subject="C9")
    assert verdict(caller(reach=Reach(compounds=frozenset({"C9"}))), sent) is None
    assert verdict(caller(reach=S1), sent) is OUT_OF_SCOPE


def test_a_registrar_registers_where_the_key_reaches() -> None:
    registration = offer(
        family=Family.REGISTRY,
        kind="compound.registered",
        type="anxing.compound.registered.v1",
        subject="C9",
        place=("M1", "S1"),
    )
    assert verdict(caller("registrar", reach=S1), registration) is None
    assert verdict(caller("registrar", reach=S2), registration) is OUT_OF_SCOPE


def test_companies_and_keys_need_a_key_that_reaches_everything() -> None:
    company = offer(
        family=Family.REGISTRY, kind="company.registered", type="anxing.company.registered.v1", subject="P1"
    )
    narrow = Reach(compounds=frozenset({"P1"}), stations=frozenset({"S1"}))
    assert verdict(caller("registrar", reach=narrow), company, PLACES) is OUT_OF_SCOPE
    assert verdict(caller("registrar"), company) is None


def test_a_person_is_held_to_the_reach_of_the_key_as_well() -> None:
    assert verdict(caller(reach=S1, within=S1), offer(), PLACES) is None
    assert verdict(caller(reach=S1, within=S2), offer(), PLACES) is OUT_OF_SCOPE
    assert verdict(caller(within=S2), offer(), PLACES) is OUT_OF_SCOPE
    assert verdict(caller(reach=S2), offer(), PLACES) is OUT_OF_SCOPE


@pytest.mark.parametrize(
    ("happened", "written", "refusal"),
    [
        (-TICK, None, None),
        (timedelta(), None, AFTER_EXPIRY),
        (TICK, None, AFTER_EXPIRY),
        (-DAY, -TICK, None),
        # What happened before and was written down afterwards was recorded afterwards.
        (-DAY, timedelta(), AFTER_EXPIRY),
        # A device that says it wrote something down before it happened gains nothing by it.
        (TICK, -DAY, AFTER_EXPIRY),
    ],
)
def test_an_expired_key_brings_only_what_was_recorded_before(
    happened: timedelta, written: timedelta | None, refusal: Refusal | None
) -> None:
    expired = caller(valid_to=NOW)
    sent = offer(occurred_at=NOW + happened, written_at=None if written is None else NOW + written)
    assert verdict(expired, sent, at=NOW + DAY) is refusal


# A key that was moved from S1 to S2, and from an officer's to a guard's, a day ago.
CHANGED = NOW - DAY
MOVED_KEY = replace(caller(reach=S2), former=((CHANGED, caller(reach=S1, actor="before")),))
MADE_A_GUARD = replace(caller("guard"), former=((CHANGED, caller("officer")),))
# A compound that lay in S1 and lies in S2 for a day.
MOVED = lying(THERE, FormerPlacement(HERE, None, CHANGED))
LAST = CHANGED + GRACE


@pytest.mark.parametrize(
    ("key", "places", "gone"),
    [
        (MOVED_KEY, PLACES, OUT_OF_SCOPE),
        (MADE_A_GUARD, None, NO_ROLE),
        (caller(reach=S1), MOVED, OUT_OF_SCOPE),
        (caller(reach=Reach(communities=frozenset({"M1"}))), MOVED, OUT_OF_SCOPE),
        # Both went to S2 on the same day, as when two stations become one.
        (replace(MOVED_KEY, reach=S1, former=((CHANGED, caller(reach=S1)),)), MOVED, OUT_OF_SCOPE),
    ],
)
@pytest.mark.parametrize(
    ("recorded", "received", "over"),
    [
        (CHANGED - TICK, NOW, False),
        (CHANGED - 80 * DAY, NOW, False),
        (CHANGED - TICK, LAST - TICK, False),
        (CHANGED - TICK, LAST, True),
        (CHANGED - TICK, LAST + 30 * DAY, True),
        (CHANGED, NOW, None),
        (CHANGED + TICK, NOW, None),
        (CHANGED, LAST, None),
    ],
)
def test_what_was_allowed_when_it_was_recorded_comes_for_seven_days(
    key: Caller,
    places: Whereabouts | None,
    gone: Refusal,
    recorded: datetime,
    received: datetime,
    over: bool | None,
) -> None:
    expected = gone if over is None else GRACE_OVER if over else None
    assert verdict(key, offer(occurred_at=recorded), places, received) is expected


def test_it_is_stamped_as_what_the_key_was() -> None:
    as_whom = permit(MOVED_KEY, offer(occurred_at=CHANGED - TICK), PLACES, NOW)
    assert isinstance(as_whom, Caller)
    assert as_whom.actor == "before"


def test_what_is_allowed_now_may_have_happened_before() -> None:
    long_ago = offer(occurred_at=NOW - 80 * DAY)
    assert permit(MOVED_KEY, long_ago, lying(THERE), NOW) is MOVED_KEY
    assert verdict(caller(reach=S2), long_ago, MOVED) is None


def test_what_was_never_allowed_is_not_allowed_because_things_have_moved() -> None:
    # The key reached S1 while the compound lay elsewhere, and reaches S2 now that it lies in S1.
    elsewhere = lying(HERE, FormerPlacement(Placement("M3", "S3"), None, CHANGED))
    assert verdict(MOVED_KEY, offer(occurred_at=CHANGED - TICK), elsewhere) is OUT_OF_SCOPE


@pytest.mark.parametrize(
    ("key_until", "place_until", "ended"),
    [
        # The key lost another role, and then the compound went; the key went, and then the compound.
        (NOW - 20 * DAY, CHANGED, CHANGED),
        (CHANGED, NOW - 20 * DAY, NOW - 20 * DAY),
    ],
)
def test_the_days_begin_with_the_change_that_took_it_away(
    key_until: datetime, place_until: datetime, ended: datetime
) -> None:
    key = replace(caller("officer", reach=S1), former=((key_until, caller("officer", "guard", reach=S1)),))
    places = lying(THERE, FormerPlacement(HERE, None, place_until))
    sent = offer(occurred_at=NOW - 30 * DAY)
    assert verdict(key, sent, places, ended + GRACE - TICK) is None
    assert verdict(key, sent, places, ended + GRACE) is GRACE_OVER


def test_of_several_states_the_one_of_the_time_counts() -> None:
    states: tuple[tuple[datetime, Any], ...] = (
        (NOW - 3 * DAY, caller(reach=S1)),
        (NOW - 2 * DAY, caller(reach=S2)),
        (NOW - DAY, caller(reach=Reach(stations=frozenset({"S3"})))),
    )
    key = replace(caller(reach=Reach(stations=frozenset({"S4"}))), former=states)
    for days, station in ((4, "S1"), (2.5, "S2"), (1.5, "S3"), (0.5, "S4")):
        sent = offer(occurred_at=NOW - days * DAY)
        for asked in ("S1", "S2", "S3", "S4"):
            found = verdict(key, sent, lying(Placement("M", asked)))
            # What it reaches now it reaches for all times.
            assert (found is None) == (asked in {station, "S4"}), (days, asked)
