"""Inspections and the hazards they find, with their whole lives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Final, Literal

from shared.demo.district import Compound, District, midnight
from shared.demo.event import Event, Pen
from shared.events import facts
from shared.events.fields import HazardClass

# What can be wrong with an item of B or C.
FINDINGS: Final = {
    "B1": ("fence_hole", "fence_low"),
    "B2": ("lamp_dark", "lamp_missing"),
    "B3": ("door_broken", "closer_missing"),
    "B4": ("barrier_broken", "lane_blocked"),
    "C1": ("camera_offline", "camera_blurred"),
    "C2": ("reader_broken", "intercom_silent"),
    "C3": ("sensor_offline",),
    "C4": ("recording_short", "room_unmanned"),
}
# Class, share, days until due, points (milli) it is charged with.
CLASSES: Final[tuple[tuple[HazardClass, int, int, tuple[int, ...]], ...]] = (
    ("immediate", 20, 1, (500, 1000, 1500)),
    ("ordinary", 60, 3, (250, 500, 1000, 1500)),
    ("major", 10, 7, (1000, 2000, 3000)),
    ("capital", 10, 90, (500, 1000, 2000)),
)
Result = Literal["pass", "partial", "fail", "na"]


@dataclass(frozen=True, slots=True)
class Place:
    """One checkpoint of an item."""

    item: str
    checkpoint: str


def places_of(compound: Compound) -> tuple[Place, ...]:
    """The checkpoints of a compound; the same in every inspection, so that the latest result counts."""
    lamps = min(6, 2 + compound.buildings // 6)
    return (
        *(Place("A1", f"{n}号门") for n in range(1, compound.gates + 1)),
        *(Place("B1", f"围墙{side}段") for side in "东西"),
        *(Place("B2", f"路灯{n}") for n in range(1, lamps + 1)),
        *(Place("B3", f"{n}幢单元门") for n in (1, 2, 3)),
        *(Place("B4", f"{n}号门") for n in range(1, compound.gates + 1)),
        *(Place("C1", f"摄像机{n:02}") for n in range(1, 5)),
        *(Place("C2", f"门禁{n}") for n in (1, 2)),
        Place("C3", "周界报警"),
        Place("C4", "监控中心"),
        Place("F2", "值班制度"),
    )


def device_of(compound: Compound) -> str:
    """The field app of the officer of that community."""
    return f"urn:anxing:demo:app:{compound.community_id}"


def tell_visits(district: District) -> Iterator[Event]:
    """All inspections and hazards of both years, compound by compound."""
    rng, pen, plan = district.rng("visits"), district.pen("visits"), district.plan
    residents = [c for c in district.compounds if not c.late]
    weights = [0.15 + (1 - c.quality) for c in residents]
    shares = [plan.hazards * weight / sum(weights) for weight in weights]
    number = 0
    for compound, share in zip(residents, shares, strict=True):
        days = _visit_days(rng, district, compound)
        to_find = round(share * len(days) / max(1, 725 // plan.inspection_days))
        # Which visits find how many hazards.
        finds = [rng.randrange(len(days)) for _ in range(to_find)] if days else []
        quarter = None
        for index, day in enumerate(days):
            first_of_quarter = (day.year, (day.month - 1) // 3) != quarter
            quarter = (day.year, (day.month - 1) // 3)
            at = midnight(day) + timedelta(minutes=rng.randint(8 * 60 + 30, 17 * 60))
            inspection = visit(rng, compound, quarterly=first_of_quarter)
            yield pen.write(compound.id, at, inspection, source=device_of(compound))
            for hazard in open_hazards(rng, compound, inspection, finds.count(index)):
                number += 1
                yield from _life(rng, pen, compound, f"H{number:05}", hazard, at)


def _visit_days(rng: Random, district: District, compound: Compound) -> list[date]:
    rhythm = district.plan.inspection_days
    first = max(district.today - timedelta(days=726), compound.enrolled_on + timedelta(days=3))
    day = first + timedelta(days=rng.randrange(rhythm))
    days = []
    while day < district.today:
        days.append(day)
        day += timedelta(days=rhythm + rng.randint(-6, 6))
    return days


def visit(rng: Random, compound: Compound, *, quarterly: bool) -> facts.InspectionRecorded:
    """One inspection of all checkpoints; how much fails follows from how well the compound is kept."""
    kind: Literal["routine", "quarterly", "night", "revisit"] = (
        "quarterly" if quarterly else rng.choices(("routine", "night", "revisit"), (7, 2, 1))[0]
    )
    badness = (1 - compound.quality) ** 1.6
    return facts.InspectionRecorded(
        kind=kind, checks=tuple(_check(rng, place, badness, compound) for place in places_of(compound))
    )


def _check(rng: Random, place: Place, badness: float, compound: Compound) -> facts.Check:
    chance = rng.random()
    if place.item in {"A1", "F2"}:
        finding = rng.choice(("post_empty", "no_register")) if place.item == "A1" else "rule_missing"
        failed = chance < 0.30 * badness
        return facts.Check(
            item=place.item,
            checkpoint=place.checkpoint,
            result="fail" if failed else "pass",
            finding=finding if failed else None,
        )
    result: Result = "pass"
    if place.item == "C3" and compound.households < 500:
        result = "na"  # small compounds have no perimeter alarm
    elif chance < 0.34 * badness:
        result = "fail"
    elif chance < 0.60 * badness:
        result = "partial"
    wrong = result in {"fail", "partial"}
    return facts.Check(
        item=place.item,
        checkpoint=place.checkpoint,
        result=result,
        finding=rng.choice(FINDINGS[place.item]) if wrong else None,
    )


def open_hazards(
    rng: Random, compound: Compound, inspection: facts.InspectionRecorded, number: int
) -> Iterator[Place]:
    """Up to `number` places that become hazards: those that failed first, then any of B and C."""
    failed = [
        Place(c.item, c.checkpoint) for c in inspection.checks if c.result == "fail" and c.item in FINDINGS
    ]
    rest = [p for p in places_of(compound) if p.item in FINDINGS and p not in failed]
    rng.shuffle(failed)
    rng.shuffle(rest)
    yield from (failed + rest)[:number]


def hazard_at(rng: Random, place: Place, hazard_id: str) -> tuple[facts.HazardOpened, int]:
    """A hazard at a place and the days until it is due."""
    kind, _, due_days, points = rng.choices(CLASSES, [share for _, share, _, _ in CLASSES])[0]
    opened = facts.HazardOpened(
        hazard_id=hazard_id,
        item=place.item,
        checkpoint=place.checkpoint,
        class_=kind,
        points_milli=rng.choice(points),
        finding=rng.choice(FINDINGS[place.item]),
    )
    return opened, due_days


def _life(
    rng: Random, pen: Pen, compound: Compound, hazard_id: str, place: Place, found_at: datetime
) -> Iterator[Event]:
    """Opened, perhaps extended or rejected, rectified, verified; some stay open for long."""
    device, company = device_of(compound), f"urn:anxing:demo:company:{compound.company_id}"
    opened, due_days = hazard_at(rng, place, hazard_id)
    yield pen.write(compound.id, found_at + timedelta(minutes=rng.randint(1, 25)), opened, source=device)
    in_time = rng.random() < 0.30 + 0.68 * compound.quality
    if opened.class_ in {"ordinary", "capital"} and rng.random() < 0.06:
        due = found_at.date() + timedelta(days=due_days + rng.randint(5, 12))
        extended = facts.HazardExtended(hazard_id=hazard_id, due=due)
        yield pen.write(compound.id, found_at + timedelta(hours=20), extended, source=device)
        due_days = (due - found_at.date()).days
    hours = rng.randint(3, max(4, due_days * 24 - 12)) if in_time else due_days * 24 + rng.randint(30, 1100)
    rectified_at = _office_hours(rng, found_at + timedelta(hours=hours))
    yield pen.write(compound.id, rectified_at, facts.HazardRectified(hazard_id=hazard_id), source=company)
    seen_at = _office_hours(rng, rectified_at + timedelta(hours=rng.randint(16, 90)))
    if rng.random() < 0.08:
        yield pen.write(compound.id, seen_at, facts.HazardRejected(hazard_id=hazard_id), source=device)
        rectified_at = _office_hours(rng, seen_at + timedelta(hours=rng.randint(20, 120)))
        again = facts.HazardRectified(hazard_id=hazard_id)
        yield pen.write(compound.id, rectified_at, again, source=company)
        seen_at = _office_hours(rng, rectified_at + timedelta(hours=rng.randint(16, 90)))
    yield pen.write(compound.id, seen_at, facts.HazardVerified(hazard_id=hazard_id), source=device)


def _office_hours(rng: Random, at: datetime) -> datetime:
    """The same day between half past eight and five, never before `at`'s day; keeps the order of a life."""
    moved = midnight(at.date()) + timedelta(minutes=rng.randint(8 * 60 + 30, 17 * 60))
    return max(moved, at)
