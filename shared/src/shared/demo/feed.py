"""The live feed: what happens in the district from now on, endlessly, one event after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from random import Random

import msgspec

from shared.demo import calls, routine, visits
from shared.demo.district import ZONE, Compound, District
from shared.demo.event import Event
from shared.events import facts

# What comes next, in parts of a hundred. Hazards are followed up as they are opened.
_KINDS = {
    "call": 26,
    "inspection": 22,
    "hazard": 16,
    "patrol": 14,
    "devices": 10,
    "dispute": 6,
    "cooperation": 6,
}
OPEN_MAX = 200  # hazards and disputes that the feed remembers


class Feed:
    """An endless iterator of events, each dated by `now()` at the moment it is taken.

    Repeatable by its seed as far as `now` is; keeps the hazards and disputes that it opened, to
    rectify, verify and mediate them later.
    """

    def __init__(self, district: District, now: Callable[[], datetime]) -> None:
        self._now = now
        self._residents = [c for c in district.compounds if not c.late]
        self._rng = district.rng("feed")
        self._pen = district.pen("feed")
        self._serial = 0
        self._opened: list[tuple[Compound, str]] = []
        self._rectified: list[tuple[Compound, str]] = []
        self._disputes: list[tuple[Compound, str]] = []
        # Ids of another run of the same day must not be taken up again.
        self._run = f"{int(now().timestamp()):x}"

    def __iter__(self) -> Iterator[Event]:
        while True:
            yield self.next_event()

    def next_event(self) -> Event:
        """The next thing that happens, dated now."""
        rng = self._rng
        # One look at the clock: at midnight a second one would belong to another day.
        at = self._now()
        compound = rng.choices(self._residents, [1.2 - c.quality for c in self._residents])[0]
        data: msgspec.Struct
        match rng.choices(list(_KINDS), list(_KINDS.values()))[0]:
            case "hazard":
                return self._hazard(compound, at)
            case "dispute":
                return self._dispute(compound, at)
            case "call":
                data, source = self._call(rng), calls.CALL_CENTRE
            case "inspection":
                data, source = visits.visit(rng, compound, quarterly=False), visits.device_of(compound)
            case "patrol":
                data, source = self._patrol(at), routine.company_source(compound)
            case "devices":
                data, source = self._devices(compound), routine.CCTV
            case _:
                data, source = self._cooperation(compound), routine.HUB
        return self._write(compound, at, data, source)

    def _write(self, compound: Compound, at: datetime, data: msgspec.Struct, source: str) -> Event:
        return self._pen.write(compound.id, at, data, source=f"{source}:live:{self._run}")

    def _case(self, letter: str) -> str:
        self._serial += 1
        return f"{letter}L{self._run}-{self._serial}"

    @staticmethod
    def _call(rng: Random) -> facts.IncidentRecorded:
        codes = rng.choices(
            (
                calls.CRIMINAL_PROPERTY | calls.CRIMINAL_OTHER,
                calls.PETTY_THEFT | calls.PUBLIC_SECURITY_OTHER,
                calls.DISPUTES,
                calls.OTHER | calls.TRAFFIC,
            ),
            (2, 3, 3, 2),
        )[0]
        return calls.incident(rng, rng.choices(list(codes), list(codes.values()))[0])

    def _hazard(self, compound: Compound, at: datetime) -> Event:
        if self._rectified and self._rng.random() < 0.5:
            where, hazard_id = self._rectified.pop(0)
            return self._write(where, at, facts.HazardVerified(hazard_id=hazard_id), visits.device_of(where))
        if self._opened and self._rng.random() < 0.5:
            where, hazard_id = self._opened.pop(0)
            self._remember(self._rectified, where, hazard_id)
            rectified = facts.HazardRectified(hazard_id=hazard_id)
            return self._write(where, at, rectified, routine.company_source(where))
        place = self._rng.choice([p for p in visits.places_of(compound) if p.item in visits.FINDINGS])
        opened, _ = visits.hazard_at(self._rng, place, self._case("H"))
        self._remember(self._opened, compound, opened.hazard_id)
        return self._write(compound, at, opened, visits.device_of(compound))

    def _dispute(self, compound: Compound, at: datetime) -> Event:
        if self._disputes and self._rng.random() < 0.5:
            where, dispute_id = self._disputes.pop(0)
            return self._write(where, at, facts.DisputeMediated(dispute_id=dispute_id), calls.MEDIATION)
        dispute_id = self._case("D")
        self._remember(self._disputes, compound, dispute_id)
        code = self._rng.choices(list(calls.DISPUTES), list(calls.DISPUTES.values()))[0]
        recorded = facts.DisputeRecorded(dispute_id=dispute_id, code=code)
        return self._write(compound, at, recorded, calls.MEDIATION)

    @staticmethod
    def _remember(cases: list[tuple[Compound, str]], compound: Compound, case_id: str) -> None:
        cases.append((compound, case_id))
        del cases[:-OPEN_MAX]

    def _patrol(self, at: datetime) -> facts.PatrolLogged:
        return facts.PatrolLogged(
            date=at.astimezone(ZONE).date(),
            gate="1号门",
            rounds_done=self._rng.randint(1, 2),
            rounds_required=2,
        )

    def _devices(self, compound: Compound) -> facts.FacilityStatus:
        total = 20 + compound.buildings * 4
        share = min(1.0, 0.74 + 0.26 * compound.quality + self._rng.uniform(-0.05, 0.04))
        return facts.FacilityStatus(item="C1", online=int(total * share), total=total)

    def _cooperation(self, compound: Compound) -> facts.CooperationRecorded:
        if self._rng.random() < compound.quality:
            return facts.CooperationRecorded(kind="tip_solved_case")
        return facts.CooperationRecorded(kind="request_unanswered")
