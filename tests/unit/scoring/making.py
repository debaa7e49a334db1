"""Facts and registrations made by hand, for tests of one rule at a time."""

from datetime import date
from itertools import count
from typing import Any

from scoring.domain.book import Book
from scoring.domain.facts import Day, Fact, FactData
from scoring.domain.registry import CompanyRevision, CompoundRevision, Permit, Registry

from tests.unit.scoring.rubric_examples import rubric

FIRST = date(2025, 1, 1).toordinal()
"""The day of enrolment, unless said otherwise."""
DAY_US = 86_400_000_000
EPOCH = date(1970, 1, 1).toordinal()

_numbers = count(1)


def fact(kind: str, data: FactData | None, age: int, **changes: Any) -> Fact:
    """A fact `age` days after the enrolment, with an id of its own."""
    number = next(_numbers)
    day = FIRST + age
    return Fact(
        "C1",
        f"f{number:06}",
        1,
        f"f{number:06}",
        "urn:test",
        kind,
        day,
        (day - EPOCH) * DAY_US + number,
        (day - EPOCH) * DAY_US + number,
        data=data,
    )._replace(**changes)


def registration(**changes: Any) -> CompoundRevision:
    return CompoundRevision(
        compound="C1",
        root="r1",
        revision=1,
        event_id="r1",
        source="urn:test",
        received_us=0,
        effective_from=FIRST,
        households=1_000,
        occupied_households=1_000,
        buildings=9,
        enclosed=True,
        company_id="P1",
        enrolled_on=FIRST,
    )._replace(**changes)


def company(**changes: Any) -> CompanyRevision:
    always = Permit(FIRST - 1_000, FIRST + 10_000)
    return CompanyRevision(
        company_id="P1",
        root="p1",
        revision=1,
        event_id="p1",
        source="urn:test",
        received_us=0,
        effective_from=FIRST,
        construction_permit=always,
        market_registration=always,
    )._replace(**changes)


def book(*facts: Fact, registry: Registry | None = None) -> Book:
    made = Book("C1", rubric(), registry or Registry([registration()]))
    for one in facts:
        made.add(one)
    return made


def day(age: int) -> Day:
    return FIRST + age
