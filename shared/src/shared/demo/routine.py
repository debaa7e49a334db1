"""What comes in with the calendar: patrols, rosters, volunteers, devices, surveys, cooperation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Final, Literal

import msgspec

from shared.demo.district import Compound, District, midnight
from shared.demo.event import Event, Pen
from shared.events import facts

CCTV: Final = "urn:anxing:demo:cctv"
HUB: Final = "urn:anxing:demo:hub"
ROUNDS_REQUIRED: Final = 30  # of one fortnight: two a day and a spare one

Line = tuple[Compound, datetime, msgspec.Struct, str]


def company_source(compound: Compound) -> str:
    """The app of the compound's company."""
    return f"urn:anxing:demo:company:{compound.company_id}"


def tell_routine(district: District) -> Iterator[Event]:
    """All that is reported in a rhythm, compound by compound, then what is reported when it happens."""
    rng, pen = district.rng("routine"), district.pen("routine")
    plan = district.plan
    rhythms: tuple[tuple[int, Callable[[Random, Compound, datetime], Iterator[Line]]], ...] = (
        (plan.patrol_days, _patrol),
        (plan.roster_days, _roster),
        (plan.volunteer_days, _volunteers),
        (plan.facility_days, _devices),
        (plan.survey_days, _survey),
    )
    for compound in district.compounds:
        if compound.late:
            continue
        for rhythm, lines in rhythms:
            for at in _moments(rng, district, compound, rhythm):
                for where, when, data, source in lines(rng, compound, at):
                    yield pen.write(where.id, when, data, source=source)
    yield from _now_and_then(rng, pen, district)
    yield from _self_assessments(rng, pen, district)


def _moments(rng: Random, district: District, compound: Compound, rhythm: int) -> Iterator[datetime]:
    first = max(district.today - timedelta(days=729), compound.enrolled_on)
    day = first + timedelta(days=rng.randrange(min(rhythm, 60)))
    while day < district.today:
        yield midnight(day) + timedelta(minutes=rng.randint(7 * 60, 22 * 60))
        day += timedelta(days=rhythm)


def _patrol(rng: Random, compound: Compound, at: datetime) -> Iterator[Line]:
    done = min(
        ROUNDS_REQUIRED, round(ROUNDS_REQUIRED * (0.55 + 0.5 * compound.quality + rng.uniform(-0.1, 0.1)))
    )
    patrol = facts.PatrolLogged(
        date=at.date(), gate="1号门", rounds_done=done, rounds_required=ROUNDS_REQUIRED
    )
    yield compound, at, patrol, company_source(compound)


def _roster(rng: Random, compound: Compound, at: datetime) -> Iterator[Line]:
    need = max(1, -(-compound.households // 200))
    guards = max(1, round(need * (0.55 + 0.6 * compound.quality)) + rng.choice((-1, 0, 0, 1)))
    trained = (
        at.date() - timedelta(days=rng.randint(5, 80))
        if rng.random() < 0.25 + 0.75 * compound.quality
        else None
    )
    roster = facts.GuardsUpdated(
        guards=guards,
        licensed=min(guards, round(guards * (0.5 + 0.5 * compound.quality))),
        mean_star_milli=min(5000, round(1500 + 3500 * compound.quality + rng.randint(-400, 400))),
        self_recruit_filed=rng.random() < 0.5 + 0.5 * compound.quality,
        trained_on=trained,
    )
    yield compound, at, roster, company_source(compound)


def _volunteers(rng: Random, compound: Compound, at: datetime) -> Iterator[Line]:
    need = max(1, -(-compound.households // 200))
    active = max(0, round(need * (0.3 + 0.9 * compound.quality)) + rng.choice((-1, 0, 1)))
    yield compound, at, facts.VolunteersLogged(active=active), HUB


def _devices(rng: Random, compound: Compound, at: datetime) -> Iterator[Line]:
    for item, total in (("C1", 20 + compound.buildings * 4), ("C2", compound.buildings + compound.gates)):
        share = min(1.0, 0.78 + 0.24 * compound.quality + rng.uniform(-0.05, 0.03))
        yield compound, at, facts.FacilityStatus(item=item, online=int(total * share), total=total), CCTV


def _survey(rng: Random, compound: Compound, at: datetime) -> Iterator[Line]:
    asked = max(30, compound.occupied // 10 + 1)
    satisfied = min(asked, int(asked * (0.60 + 0.35 * compound.quality + rng.uniform(-0.05, 0.05))))
    yield compound, at, facts.SurveyRecorded(satisfied=satisfied, asked=asked), HUB


def _now_and_then(rng: Random, pen: Pen, district: District) -> Iterator[Event]:
    residents = [c for c in district.compounds if not c.late]
    for _ in range(district.plan.cooperations):
        compound = rng.choice(residents)
        good = rng.random() < 0.15 + 0.7 * compound.quality
        kind: Literal[
            "tip_solved_case", "guard_captured_suspect", "request_unanswered", "meeting_missed", "late_report"
        ] = (
            rng.choices(("tip_solved_case", "guard_captured_suspect"), (4, 1))[0]
            if good
            else rng.choices(("request_unanswered", "meeting_missed", "late_report"), (4, 4, 1))[0]
        )
        at = _some_moment(rng, district, compound)
        yield pen.write(compound.id, at, facts.CooperationRecorded(kind=kind), source=HUB)
    for _ in range(district.plan.upgrades):
        compound = rng.choice(residents)
        item, words = rng.choice((("C1", "更换高清摄像机"), ("B2", "加装节能路灯"), ("C2", "升级门禁系统")))
        upgraded = facts.FacilityUpgraded(
            item=item, description=words, cost_yuan=rng.randrange(8, 160) * 1000
        )
        at = _some_moment(rng, district, compound)
        yield pen.write(compound.id, at, upgraded, source=company_source(compound))


def _some_moment(rng: Random, district: District, compound: Compound) -> datetime:
    first = max(district.today - timedelta(days=727), compound.enrolled_on)
    day: date = first + timedelta(days=rng.randrange((district.today - first).days))
    return midnight(day) + timedelta(minutes=rng.randint(8 * 60, 20 * 60))


def _self_assessments(rng: Random, pen: Pen, district: District) -> Iterator[Event]:
    """In January each company says what it gives itself for the year before."""
    for compound in district.compounds:
        handed_in = midnight(date(district.today.year, 1, 8)) + timedelta(minutes=rng.randint(500, 4000))
        if compound.late or handed_in >= district.end or handed_in.date() < compound.enrolled_on:
            continue
        items = {"A1": 5000, "B2": rng.choice((3500, 4000)), "C1": rng.choice((7000, 8000))}
        submitted = facts.SelfassessmentSubmitted(year=district.today.year - 1, items=items)
        yield pen.write(compound.id, handed_in, submitted, source=company_source(compound))
