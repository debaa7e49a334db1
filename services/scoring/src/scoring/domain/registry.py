"""What the registry says about a compound and its company on a day (rubric.md section 1)."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

from scoring.domain.facts import NEVER, Day
from scoring.domain.revisions import counted


class CompoundRevision(NamedTuple):
    """One registration of a compound, the full state from `effective_from` on."""

    compound: str
    root: str
    revision: int
    event_id: str
    source: str
    received_us: int
    effective_from: Day
    households: int
    occupied_households: int
    buildings: int
    enclosed: bool
    company_id: str
    name: str = ""
    enrolled_on: Day | None = None
    withdrawn_on: Day | None = None
    fingerprint: bytes = b""
    community_id: str = ""
    station_id: str = ""
    street_id: str | None = None
    developer_id: str | None = None
    committee_id: str | None = None

    def enrolled(self, day: Day) -> bool:
        """Whether this revision, in force on `day`, says enrolled."""
        if self.enrolled_on is None or day < self.enrolled_on:
            return False
        return self.withdrawn_on is None or day < self.withdrawn_on


class Permit(NamedTuple):
    """A permit and its first and last valid day."""

    valid_from: Day
    valid_to: Day

    def valid(self, day: Day) -> bool:
        return self.valid_from <= day <= self.valid_to


class CompanyRevision(NamedTuple):
    """One registration of a property company."""

    company_id: str
    root: str
    revision: int
    event_id: str
    source: str
    received_us: int
    effective_from: Day
    construction_permit: Permit
    market_registration: Permit
    name: str = ""
    fingerprint: bytes = b""


class Assessed(NamedTuple):
    """A decided annual assessment: warnings measure the shown star against its star from `decided_on` on."""

    decided_on: Day
    star: int


class Registry:
    """The revisions of one compound and of the companies it names, ready to be asked by day.

    What was decided about the compound belongs to it: the star that an assessment gave.
    """

    __slots__ = ("_assessed", "_compounds", "company_revisions", "first_enrolled", "mark")

    # Many are kept, and each is asked little: what can be found again is not kept.
    def __init__(
        self,
        compound_revisions: Iterable[CompoundRevision],
        company_revisions: Iterable[CompanyRevision] = (),
        assessed: Iterable[Assessed] = (),
    ) -> None:
        self._compounds = tuple(sorted(counted(compound_revisions).values(), key=_order))
        self.company_revisions = tuple(counted(company_revisions).values())
        self._assessed = tuple(sorted(assessed))
        enrolments = [one.enrolled_on for one in self._compounds if one.enrolled_on is not None]
        self.first_enrolled: Day | None = min(enrolments, default=None)
        """e of rubric.md: the smallest `enrolled_on` of all counted revisions."""
        named = [one.event_id for one in self._compounds]
        named += [one.event_id for one in self.company_revisions]
        self.mark = crc32(f"{named}{self._assessed}".encode())
        """Of what it is made: another one means that it may say otherwise."""

    @property
    def compound_revisions(self) -> tuple[CompoundRevision, ...]:
        """The counted revisions in the order in which they come into force."""
        return self._compounds

    @property
    def known(self) -> bool:
        """Whether the compound was ever registered."""
        return bool(self._compounds)

    def in_force(self, day: Day) -> CompoundRevision | None:
        """The revision in force on `day`, before the first the first; None when never registered."""
        found = self._compounds
        if len(found) < 2:
            return found[0] if found else None
        return found[max(bisect_right(found, day, key=_start) - 1, 0)]

    def company_in_force(self, day: Day) -> CompanyRevision | None:
        """The revision of the company that the compound has on `day`; None when never registered."""
        compound = self.in_force(day)
        if compound is None:
            return None
        found = sorted(
            [one for one in self.company_revisions if one.company_id == compound.company_id], key=_order
        )
        place = bisect_right(found, day, key=_start) - 1
        return found[max(place, 0)] if found else None

    def assessed_by(self, day: Day) -> Assessed | None:
        """The last assessment decided up to `day`."""
        place = bisect_right(self._assessed, day, key=lambda one: one.decided_on)
        return self._assessed[place - 1] if place else None

    def enrolled(self, day: Day) -> bool:
        """Whether the compound is enrolled on `day`, by the revision then in force."""
        revision = self.in_force(day)
        return revision is not None and revision.enrolled(day)

    @property
    def boundaries(self) -> list[Day]:
        """All days on which something in the registry may begin or end, ascending."""
        days: set[Day | None] = {one.decided_on for one in self._assessed}
        for compound in self._compounds:
            days |= {compound.effective_from, compound.enrolled_on, compound.withdrawn_on}
        for company in self.company_revisions:
            days.add(company.effective_from)
            for permit in (company.construction_permit, company.market_registration):
                days |= {permit.valid_from, permit.valid_to + 1}
        return sorted(day for day in days if day is not None)

    def between(self, day: Day) -> tuple[Day, Day]:
        """The last boundary up to `day`, 0 without one, and the first after it, NEVER without one."""
        boundaries = self.boundaries
        place = bisect_right(boundaries, day)
        return (
            boundaries[place - 1] if place else 0,
            boundaries[place] if place < len(boundaries) else NEVER,
        )


def _order(one: CompoundRevision | CompanyRevision) -> tuple[Day, int, str]:
    return one.effective_from, one.received_us, one.event_id.lower()


def _start(one: CompoundRevision | CompanyRevision) -> Day:
    return one.effective_from
