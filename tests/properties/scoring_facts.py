"""Random lives of a compound: registrations, facts with corrections and withdrawals, in a small world.

The world is small on purpose: few checkpoints, ids and days, so that facts meet in one week, one hazard,
one day. Each root and each registration is made from one number, so hypothesis draws little and still drops
what does not matter when it shrinks.
"""

import hashlib
from collections.abc import Callable
from datetime import date
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st
from scoring.domain import facts as f
from scoring.domain.facts import Fact, FactData
from scoring.domain.registry import CompanyRevision, CompoundRevision, Permit

FIRST = date(2024, 1, 1).toordinal()
"""A leap year, and a Monday."""
DAYS = 820
DAY_US = 86_400_000_000
EDGES = [0, 7, 29, 30, 59, 60, 89, 90, 91, 119, 120, 179, 180, 181, 240, 364, 365, 366, 729, 730]

days = st.one_of(st.integers(0, DAYS), st.integers(0, 40), st.sampled_from(EDGES))
seeds = st.integers(0, 2**32 - 1)


class World(NamedTuple):
    """Everything that ever arrived about one compound."""

    facts: list[Fact]
    compounds: list[CompoundRevision]
    companies: list[CompanyRevision]
    pool: list[int]
    """Days, from the first, on which much happens."""


class Near(Random):
    """Random numbers of one world, in which things happen on a few days again and again."""

    pool: list[int]

    @classmethod
    def made(cls, seed: int, pool: list[int]) -> "Near":
        r = cls(seed)
        r.pool = pool
        return r


def some_day(r: Near) -> int:
    if r.pool and r.random() < 0.6:
        return FIRST + r.choice(r.pool) + r.choice([0, 0, 1])
    return FIRST + r.choice([r.randint(0, DAYS), r.randint(0, 40), r.choice(EDGES)])


def _inspection(r: Near) -> FactData:
    checks = [
        f.Check(
            r.choice(["A1", "A1", "A1", "F2", "B1", "C1", "C3", "C3", "D1", "Z9"]),
            r.choice("pq"),
            r.choice(["pass", "partial", "fail", "na", "na"]),
            r.choice([None, "post_empty", "post_empty", "odd"]),
        )
        for _ in range(r.randint(1, 4))
    ]
    return f.InspectionRecorded("routine", tuple(checks))


CODES = [
    "010301",
    "010306",
    "020200",
    "010100",
    "020300",
    "040101",
    "080102",
    "080107",
    "060200",
    "010701",
    "090000",
]


def _incident(r: Near) -> FactData:
    return f.IncidentRecorded(
        r.choice(CODES),
        r.choice(["received", "filed", "filed", "accepted", "solved", "invalid"]),
        r.random() < 0.2,
        r.random() < 0.2,
        r.choice(["inside", "unknown", "outside"]),
    )


def _hazard(r: Near) -> FactData:
    return f.HazardOpened(
        r.choice(["h1", "h2", "h3"]),
        r.choice(["B1", "C1", "C3", "A1", "D1"]),
        r.choice("pq"),
        r.choice(["immediate", "ordinary", "major", "capital"]),
        r.choice([250, 999, 1500, 3000]),
        r.choice([None, some_day(r)]),
    )


def _moved(r: Near) -> FactData:
    return f.HazardMoved(r.choice(["h1", "h2", "h3"]))


def _roster(r: Near) -> FactData:
    return f.GuardsUpdated(
        r.randint(0, 12),
        r.randint(0, 12),
        r.randint(0, 6000),
        r.random() < 0.5,
        r.choice([None, some_day(r)]),
    )


def _dispute(r: Near) -> FactData:
    return f.DisputeRecorded(
        r.choice(["x1", "x2"]), r.choice(CODES), r.random() < 0.5, r.choice([None, None, "r1"])
    )


COOPERATION = [
    "request_unanswered",
    "meeting_missed",
    "late_report",
    "concealment",
    "tip_solved_case",
    "guard_captured_suspect",
]
LEVELS = ["county", "security_case", "criminal_case"]

KINDS: dict[str, Callable[[Near], FactData | None]] = {
    "inspection.recorded": _inspection,
    "incident.recorded": _incident,
    "hazard.opened": _hazard,
    "hazard.rectified": _moved,
    "hazard.verified": _moved,
    "hazard.rejected": _moved,
    "hazard.extended": lambda r: f.HazardExtended(r.choice(["h1", "h2", "h3"]), some_day(r)),
    "facility.status": lambda r: f.FacilityStatus(
        r.choice(["B1", "C1", "C2", "C3", "D1"]), r.randint(0, 40), r.choice([0, 40, 33])
    ),
    "facility.upgraded": lambda r: f.FacilityUpgraded(r.choice(["B1", "C1", "D1", "Z9"])),
    "patrol.logged": lambda r: f.PatrolLogged(r.choice(["g1", "g2"]), r.randint(0, 70), r.randint(0, 70)),
    "guards.updated": _roster,
    "volunteers.logged": lambda r: f.VolunteersLogged(r.randint(0, 9)),
    "dispute.recorded": _dispute,
    "dispute.mediated": lambda r: f.DisputeMediated(r.choice(["x1", "x2"])),
    "dispute.escalated": lambda r: f.DisputeEscalated(r.choice(["x1", "x2"]), r.choice(LEVELS)),
    "cooperation.recorded": lambda r: f.CooperationRecorded(r.choice(COOPERATION)),
    "survey.recorded": lambda r: f.SurveyRecorded(r.randint(0, 40), r.choice([1, 8, 29, 30, 50])),
    "veto.confirmed": lambda r: f.VetoStated(r.choice(["v1", "v2"]), r.choice(["V1", "V4"]), some_day(r)),
    "veto.lifted": lambda r: f.VetoLifted(r.choice(["v1", "v2"])),
    "evidence.stored": lambda _: None,
}
FAMILIES = sorted({kind.partition(".")[0] for kind in KINDS})


def revisions(seed: int, root: str, pool: list[int], families: list[str]) -> list[Fact]:
    """All revisions of one fact: corrections keep the kind, withdrawals end it, equal ones contradict it."""
    r = Near.made(seed, pool)
    family = r.choice(families)
    kind = r.choice([kind for kind in KINDS if kind.partition(".")[0] == family])
    data = KINDS[kind](r)
    found = []
    for number in range(r.choice([1, 1, 1, 1, 2, 3])):
        if number and r.random() < 0.5:
            data = KINDS[kind](r)
        withdrawn = number > 0 and r.random() < 0.3
        day = some_day(r)
        event_id = f"{r.choice('0aAf')}-{root}-{number}"
        found.append(
            Fact(
                "C1",
                root,
                r.choice([number + 1, number + 1, 1]),
                event_id,
                "urn:test",
                "fact.withdrawn" if withdrawn else kind,
                day,
                (day - FIRST) * DAY_US + r.choice([0, 3_600_000_000, DAY_US - 1]),
                r.randint(0, 3),
                hashlib.sha256(event_id.encode()).digest(),
                r.random() < 0.5,
                withdrawn,
                None if withdrawn else data,
            )
        )
    return found


def registration(seed: int, number: int) -> CompoundRevision:
    """The first one enrols on the first day; later ones may change anything."""
    r = Near.made(seed, [])
    households = r.choice([1, 150, 800, 2001])
    later = number > 0
    return CompoundRevision(
        compound="C1",
        root=f"r{r.randint(0, number)}",
        revision=r.randint(1, 2),
        event_id=f"e{number}",
        source="urn:test",
        received_us=r.randint(0, 2),
        effective_from=some_day(r) if later else FIRST,
        households=households,
        occupied_households=r.choice([0, households // 2, households, 700]),
        buildings=r.choice([2, 3, 9]) if later else 9,
        enclosed=r.random() < 0.8,
        company_id=r.choice(["P1", "P2"]),
        enrolled_on=r.choice([FIRST, FIRST, FIRST + 5, FIRST + 100, None]) if later else FIRST,
        withdrawn_on=r.choice([None, None, None, FIRST + 150, FIRST + 400]),
        fingerprint=bytes([number]),
    )


def company(seed: int, number: int) -> CompanyRevision:
    r = Near.made(seed, [])

    def permit() -> Permit:
        return Permit(FIRST + r.randint(-50, 300), FIRST + r.randint(100, 900))

    return CompanyRevision(
        company_id=r.choice(["P1", "P2"]),
        root=f"c{number}",
        revision=1,
        event_id=f"c{number}",
        source="urn:test",
        received_us=number,
        effective_from=some_day(r),
        construction_permit=permit(),
        market_registration=permit(),
    )


@st.composite
def worlds(draw: st.DrawFn, max_facts: int = 30) -> World:
    roots = draw(st.lists(seeds, max_size=max_facts))
    pool = draw(st.lists(days, max_size=5))
    families = draw(st.one_of(st.just(FAMILIES), st.lists(st.sampled_from(FAMILIES), min_size=1, max_size=3)))
    return World(
        [one for number, seed in enumerate(roots) for one in revisions(seed, f"f{number}", pool, families)],
        [
            registration(seed, number)
            for number, seed in enumerate(draw(st.lists(seeds, min_size=1, max_size=3)))
        ],
        [company(seed, number) for number, seed in enumerate(draw(st.lists(seeds, max_size=2)))],
        pool,
    )
