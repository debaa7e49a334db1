"""The calls and disputes of the two years, exactly as many as the plan says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Final, Literal

from shared.demo.district import Compound, District, midnight
from shared.demo.event import Event, Pen
from shared.demo.plan import Calls
from shared.events import facts

CALL_CENTRE: Final = "urn:anxing:demo:110"
MEDIATION: Final = "urn:anxing:demo:mediation"
# The days at both ends of a window stay free: a figure is the same yesterday, today and tomorrow.
YEAR_DAYS: Final = 363

# How often a code comes up, in parts of its class (rubric.md, section 5, has all codes).
CRIMINAL_PROPERTY: Final = {
    "010304": 30,
    "010306": 16,
    "010301": 10,
    "010305": 10,
    "010702": 6,
    "010303": 4,
    "010302": 2,
    "010200": 1,
}
CRIMINAL_OTHER: Final = {"010701": 24, "019900": 4, "010400": 3}
PETTY_THEFT: Final = {"020200": 30}
PUBLIC_SECURITY_OTHER: Final = {
    "020100": 18,
    "020300": 16,
    "020700": 12,
    "020800": 8,
    "020400": 6,
    "020600": 6,
    "020500": 2,
    "029900": 4,
}
HOME_DISPUTES: Final = {"080104": 12, "080103": 8, "080101": 6}
OTHER_DISPUTES: Final = {
    "080105": 24,
    "080102": 20,
    "080106": 18,
    "080107": 6,
    "080108": 4,
    "080109": 8,
    "080110": 4,
}
TRAFFIC: Final = {"030000": 20}
OTHER: Final = {"050000": 64, "060100": 8, "040100": 3, "040200": 1, "060200": 4}
INVALID: Final = {"090000": 1}
DISPUTES: Final = HOME_DISPUTES | OTHER_DISPUTES

Status = Literal["received", "filed", "accepted", "solved", "invalid"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: where, when and with which code; `event` is its first revision."""

    compound: Compound
    at: datetime
    code: str
    event: Event


def tell_calls(district: District) -> Iterator[Call]:
    """All valid and invalid calls of both years, by year and class."""
    rng, pen, plan = district.rng("calls"), district.pen("calls"), district.plan
    residents = [c for c in district.compounds if not c.late]
    # Those that register late have no calls at all: they are among the untouched.
    late = len(district.compounds) - len(residents)
    untouched = _best_kept(residents, max(0, plan.without_criminal_case - late))
    for year, first_day in (
        (plan.last_year, district.today - timedelta(days=365 + YEAR_DAYS)),
        (plan.this_year, district.today - timedelta(days=YEAR_DAYS)),
    ):
        spared = untouched if year is plan.this_year else frozenset()
        for criminal, classes in _together(year, plan.invalid_calls):
            here = [
                c
                for c in residents
                if c.enrolled_on < first_day + timedelta(days=YEAR_DAYS) and not (criminal and c.id in spared)
            ]
            codes = [code for weights, number in classes for code in _some(rng, weights, number)]
            rng.shuffle(codes)
            places = _spread(rng, here, first_day, len(codes))
            for code, (place, day) in zip(codes, places, strict=True):
                yield _call(rng, pen, place, day, code)


Class = tuple[dict[str, int], int]
"""Codes with their weights, and how many calls."""


def _together(year: Calls, invalid: int) -> tuple[tuple[bool, tuple[Class, ...]], ...]:
    """Classes that are spread over the places together, and whether they are the criminal ones."""
    return (
        (True, ((CRIMINAL_PROPERTY, year.criminal_property), (CRIMINAL_OTHER, year.criminal_other))),
        (False, ((PETTY_THEFT, year.petty_theft), (PUBLIC_SECURITY_OTHER, year.public_security_other))),
        (False, ((HOME_DISPUTES, year.home_disputes), (OTHER_DISPUTES, year.other_disputes))),
        (False, ((OTHER, year.other), (TRAFFIC, year.traffic))),
        (False, ((INVALID, invalid),)),
    )


def _some(rng: Random, weights: dict[str, int], number: int) -> list[str]:
    return rng.choices(list(weights), list(weights.values()), k=number)


def _best_kept(residents: Sequence[Compound], number: int) -> frozenset[str]:
    best_first = sorted(residents, key=lambda c: -c.quality)
    return frozenset(c.id for c in best_first[:number])


def _spread(
    rng: Random, places: Sequence[Compound], first_day: date, number: int
) -> Iterator[tuple[Compound, date]]:
    """`number` places and days: days evenly over the year, places the likelier the worse they are kept.

    Every place has one as long as they suffice, so that only the planned ones are without.
    """
    weights = [(1.15 - c.quality) ** 2 * c.occupied for c in places]
    chosen = list(places[:number])
    chosen += rng.choices(places, weights, k=number - len(chosen))
    rng.shuffle(chosen)
    for n, place in enumerate(chosen):
        day = first_day + timedelta(days=int((n + rng.random()) * YEAR_DAYS / number))
        # A compound that joined in the meantime has its calls afterwards.
        if day < place.enrolled_on:
            days_left = (first_day + timedelta(days=YEAR_DAYS) - place.enrolled_on).days
            day = place.enrolled_on + timedelta(days=rng.randrange(days_left))
        yield place, day


def _call(rng: Random, pen: Pen, place: Compound, day: date, code: str) -> Call:
    at = midnight(day) + timedelta(minutes=rng.randrange(24 * 60 - 1), seconds=rng.randrange(60))
    return Call(place, at, code, pen.write(place.id, at, incident(rng, code), source=CALL_CENTRE))


def incident(rng: Random, code: str) -> facts.IncidentRecorded:
    """A plausible record of a call with that code; invented case numbers, no places, no persons."""
    status: Status = "accepted"
    case_no = None
    if code == "090000":
        status = "invalid"
    elif code.startswith("01"):
        status = rng.choices(("filed", "solved"), (3, 2))[0]
        case_no = f"示例刑字{rng.randrange(10_000):04}号"
    theft = code.startswith(("0103", "0202"))
    return facts.IncidentRecorded(
        code=code,
        status=status,
        case_no=case_no,
        attempted_stopped=theft and rng.random() < 0.06,
        # What happens outside is no call of the compound; the call centre has told them apart.
        place=rng.choices(("inside", "unknown"), (88, 12))[0],
    )


def tell_disputes(district: District, calls: Sequence[Call]) -> Iterator[Event]:
    """The disputes behind calls of class 08 and those that companies report by themselves."""
    rng, pen = district.rng("disputes"), district.pen("disputes")
    number = 0
    for call in calls:
        if call.code.startswith("08"):
            number += 1
            at = call.at + timedelta(minutes=rng.randint(40, 900))
            yield from _dispute(rng, pen, call.compound, f"D{number:05}", at, call.code, call.event.id)
    residents = [c for c in district.compounds if not c.late]
    for year in (1, 2):
        first_day = district.today - timedelta(days=365 * (year - 1) + YEAR_DAYS)
        here = [c for c in residents if c.enrolled_on < first_day + timedelta(days=YEAR_DAYS)]
        for place, day in _spread(rng, here, first_day, district.plan.company_disputes):
            number += 1
            code = _some(rng, DISPUTES, 1)[0]
            at = midnight(day) + timedelta(minutes=rng.randint(8 * 60, 20 * 60))
            yield from _dispute(rng, pen, place, f"D{number:05}", at, code, None)


def _dispute(
    rng: Random, pen: Pen, place: Compound, dispute_id: str, at: datetime, code: str, incident_id: str | None
) -> Iterator[Event]:
    recorded = facts.DisputeRecorded(
        dispute_id=dispute_id, code=code, repeat=rng.random() < 0.10, incident=incident_id
    )
    yield pen.write(place.id, at, recorded, source=MEDIATION)
    fate = rng.random()
    if fate < 0.55 + 0.4 * place.quality:
        settled = at + timedelta(hours=rng.randint(6, 140))
    elif fate < 0.97:
        settled = at + timedelta(days=rng.randint(8, 40))
    else:
        level: Literal["county", "security_case", "criminal_case"] = rng.choices(
            ("county", "security_case", "criminal_case"), (6, 3, 1)
        )[0]
        escalated = facts.DisputeEscalated(dispute_id=dispute_id, level=level)
        yield pen.write(place.id, at + timedelta(days=rng.randint(2, 9)), escalated, source=MEDIATION)
        return
    yield pen.write(place.id, settled, facts.DisputeMediated(dispute_id=dispute_id), source=MEDIATION)
