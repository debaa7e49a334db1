"""Two years of the district: valid, repeatable, and counted as the plan says."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime, timedelta
from functools import cache

import pytest
from shared.demo import calls
from shared.demo.calls import YEAR_DAYS
from shared.demo.district import FOUNDED_DAYS_AGO, ZONE, District, build_district, midnight
from shared.demo.plan import Calls
from shared.demo.story import Story, tell
from shared.events import facts
from shared.events.catalogue import lookup
from shared.events.envelope import INTAKE_STAMPS, Envelope, decode_envelope
from shared.events.rules import validate, validate_envelope

TODAY = date(2026, 11, 24)


@cache
def district(scale: float = 1.0) -> District:
    return build_district(seed=7, today=TODAY, scale=scale)


@cache
def story(scale: float = 1.0) -> Story:
    return tell(district(scale))


@cache
def counted() -> tuple[tuple[Envelope, object], ...]:
    """The latest revision of every fact that is not withdrawn."""
    latest: dict[tuple[str, str], tuple[Envelope, object]] = {}
    for event in story().facts:
        envelope = decode_envelope(event.raw)
        key = envelope.subject, envelope.root
        if key not in latest or latest[key][0].revision < envelope.revision:
            latest[key] = envelope, lookup(envelope.type).decode(envelope.data)
    return tuple(pair for pair in latest.values() if not isinstance(pair[1], facts.FactWithdrawn))


def test_the_same_seed_tells_the_same_story() -> None:
    again = tell(build_district(seed=7, today=TODAY))
    assert [event.raw for event in again] == [event.raw for event in story()]


def test_another_seed_or_day_tells_another() -> None:
    ids = story().identities
    assert ids.isdisjoint(tell(build_district(seed=8, today=TODAY)).identities)
    assert ids.isdisjoint(tell(build_district(seed=7, today=TODAY + timedelta(days=1))).identities)


@pytest.mark.parametrize("scale", [0.05, 1.0])
def test_every_event_keeps_every_rule(scale: float) -> None:
    for event in story(scale):
        envelope = decode_envelope(event.raw)
        event_type = lookup(envelope.type)
        data = event_type.decode(envelope.data)
        assert validate(event_type, data) == []
        assert validate_envelope(event_type, envelope, data) == []
        assert (envelope.source, envelope.id, envelope.subject) == (event.source, event.id, event.subject)
        assert INTAKE_STAMPS.isdisjoint(json.loads(event.raw))


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2028, 2, 29), date(2026, 3, 1)])
def test_any_day_can_be_today(today: date) -> None:
    told = tell(build_district(seed=3, today=today, scale=0.1))
    assert {event.time for event in told if event.time >= midnight(today)} == set()
    assert len(told.facts) > 500


def test_about_ten_thousand_facts_of_all_kinds() -> None:
    assert 9_000 <= len(story().facts) <= 12_000
    kinds = {event.type for event in story().facts}
    told = {t.name for t in map(lookup, kinds)}
    assert "anxing.evidence.stored.v1" not in told  # published by intake alone
    assert len(told) == 24


def test_dates_spread_over_both_years_and_end_yesterday() -> None:
    days = sorted(event.time.astimezone(ZONE).date() for event in story().facts)
    assert days[0] >= TODAY - timedelta(days=FOUNDED_DAYS_AGO)
    assert days[-1] == TODAY - timedelta(days=1)
    months = Counter((day.year, day.month) for day in days)
    assert len(months) >= 24
    assert min(list(months.values())[1:-1]) > 250


def test_facts_come_in_the_order_of_their_times_but_for_repeats() -> None:
    first_times = list({event.identity: event.time for event in story().facts}.values())
    assert first_times == sorted(first_times)


CLASSES = {
    code: name
    for name, codes in {
        "criminal_property": calls.CRIMINAL_PROPERTY,
        "criminal_other": calls.CRIMINAL_OTHER,
        "petty_theft": calls.PETTY_THEFT,
        "public_security_other": calls.PUBLIC_SECURITY_OTHER,
        "home_disputes": calls.HOME_DISPUTES,
        "other_disputes": calls.OTHER_DISPUTES,
        "traffic": calls.TRAFFIC,
        "other": calls.OTHER,
    }.items()
    for code in codes
}


def calls_in(first_day: date) -> Calls:
    begin, end = midnight(first_day), midnight(first_day + timedelta(days=YEAR_DAYS))
    classes: Counter[str] = Counter()
    for envelope, data in counted():
        if (
            isinstance(data, facts.IncidentRecorded)
            and data.status != "invalid"
            and begin <= envelope.time < end
        ):
            classes[CLASSES[data.code]] += 1
    return Calls(**classes)


def test_calls_of_both_years_are_those_of_the_plan() -> None:
    plan = district().plan
    assert calls_in(TODAY - timedelta(days=YEAR_DAYS)) == plan.this_year
    assert calls_in(TODAY - timedelta(days=365 + YEAR_DAYS)) == plan.last_year


@pytest.mark.parametrize("reference", [TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=1)])
def test_rolling_years_count_the_same_around_today(reference: date) -> None:
    ages = Counter(
        (reference - envelope.time.astimezone(ZONE).date()).days // 365
        for envelope, data in counted()
        if isinstance(data, facts.IncidentRecorded) and data.status != "invalid"
    )
    plan = district().plan
    assert ages == {0: plan.this_year.valid, 1: plan.last_year.valid}


def test_seventeen_compounds_have_no_criminal_case_this_year() -> None:
    begin = midnight(TODAY - timedelta(days=365))
    touched = {
        envelope.subject
        for envelope, data in counted()
        if isinstance(data, facts.IncidentRecorded) and data.code.startswith("01") and envelope.time >= begin
    }
    assert len(district().compounds) - len(touched) == 17


def test_nobody_has_a_call_before_enrolment() -> None:
    enrolled = {c.id: midnight(c.enrolled_on) for c in district().compounds}
    assert all(event.time >= enrolled[event.subject] for event in story().facts)


def test_repeats_are_the_same_bytes_and_as_many_as_planned() -> None:
    events = story().facts
    by_identity: dict[tuple[str, str], set[bytes]] = {}
    for event in events:
        by_identity.setdefault(event.identity, set()).add(event.raw)
    assert all(len(raws) == 1 for raws in by_identity.values())
    assert len(events) - len(by_identity) == district().plan.repeats


def test_corrections_and_withdrawals_name_a_fact_of_the_same_compound() -> None:
    sent = {(event.subject, event.id) for event in story().facts}
    later = [e for e in map(decode_envelope, {event.raw for event in story().facts}) if e.revision > 1]
    assert all((e.subject, e.rootid) in sent for e in later)
    withdrawn = [e for e in later if e.type == "anxing.fact.withdrawn.v1"]
    plan = district().plan
    assert len(withdrawn) == plan.withdrawals + plan.objections // 2
    assert len(later) - len(withdrawn) == plan.corrections
    assert len([e for e in withdrawn if e.objectionid]) == plan.objections // 2


def test_lives_of_hazards_begin_with_their_opening() -> None:
    opened: dict[str, datetime] = {}
    followed = 0
    for envelope, data in sorted(counted(), key=lambda pair: pair[0].time):
        match data:
            case facts.HazardOpened():
                opened[data.hazard_id] = envelope.time
            case (
                facts.HazardRectified()
                | facts.HazardVerified()
                | facts.HazardRejected()
                | facts.HazardExtended()
            ):
                assert opened[data.hazard_id] <= envelope.time
                followed += 1
    assert abs(len(opened) - district().plan.hazards) < 40
    assert followed > len(opened)


def test_facts_of_a_late_compound_come_before_its_registration() -> None:
    late = {c.id for c in district().compounds if c.late}
    assert late.isdisjoint(event.subject for event in story().registry)
    assert {event.subject for event in story().late_registry} == late
    assert len([e for e in story().facts if e.subject in late]) >= district().plan.late_facts
    assert next(iter(reversed(list(story())))).subject in late
