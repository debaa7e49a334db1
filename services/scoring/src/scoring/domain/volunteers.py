"""A5 群防群治: the largest number of active volunteers reported in the last 90 days, against need.

Source: rubric.md section 4, A5. Evidence is a report in the window.
"""

from scoring.domain.evidence import unproven
from scoring.domain.facts import Day, Fact, VolunteersLogged
from scoring.domain.shelf import Plain, Points
from scoring.domain.size import Terms
from scoring.domain.timeline import Timeline

Report = tuple[Day, int, str, int]
"""(day, instant, id, active volunteers)."""


class VolunteerShelf:
    """Reports on volunteers of one compound."""

    __slots__ = ("reports",)

    def __init__(self) -> None:
        self.reports: Timeline[Report] = Timeline()

    def add(self, fact: Fact, data: VolunteersLogged) -> None:
        self.reports.add((*fact.order, data.active))

    def remove(self, fact: Fact, data: VolunteersLogged) -> None:
        self.reports.remove((*fact.order, data.active))

    def points(self, terms: Terms, day: Day, full_milli: int) -> Points:
        """The points of A5 on `day`."""
        days = terms.rubric.volunteers.window_days
        window = self.reports.window(day, days)
        until = self.reports.next_after(day)
        if not window:
            return unproven(full_milli, day, terms.grace_end, until)
        need = terms.on(day).need
        active = max(report[3] for report in window)
        return Points(full_milli * min(active, need) // need, full_milli, min(until, window[0][0] + days))

    def pack(self, day: Day, terms: Terms) -> Plain:
        return self.reports.pack_window(day, terms.rubric.volunteers.window_days)

    @classmethod
    def unpack(cls, plain: Plain) -> "VolunteerShelf":
        shelf = cls()
        shelf.reports = Timeline.unpack(plain, 4)
        return shelf
