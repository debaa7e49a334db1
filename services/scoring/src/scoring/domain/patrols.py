"""A2 巡逻防控: rounds done against rounds required at all gates of the last 30 days.

Source: rubric.md section 4, A2. Of several logs of one gate and day the latest counts; required is at least
`2 * min(30, d - e + 1)`. Evidence is a log in the window.
"""

from scoring.domain.evidence import unproven
from scoring.domain.facts import Day, Fact, PatrolLogged
from scoring.domain.shelf import Plain, Points
from scoring.domain.size import Terms
from scoring.domain.timeline import Timeline

Log = tuple[Day, int, str, str, int, int]
"""(day, instant, id, gate, rounds done, rounds required)."""


class PatrolShelf:
    """Patrol logs of one compound."""

    __slots__ = ("logs",)

    def __init__(self) -> None:
        self.logs: Timeline[Log] = Timeline()

    def add(self, fact: Fact, data: PatrolLogged) -> None:
        self.logs.add(_log(fact, data))

    def remove(self, fact: Fact, data: PatrolLogged) -> None:
        self.logs.remove(_log(fact, data))

    def points(self, terms: Terms, day: Day, full_milli: int) -> Points:
        """The points of A2 on `day`."""
        rules = terms.rubric.patrols
        window = self.logs.window(day, rules.window_days)
        until = self.logs.next_after(day)
        if not window:
            return unproven(full_milli, day, terms.grace_end, until)
        done, required = self.rounds(terms, day)
        until = min(until, window[0][0] + rules.window_days)
        if terms.days_enrolled(day) + 1 < rules.window_days:
            until = day + 1
        return Points(full_milli * min(done, required) // required, full_milli, until)

    def rounds(self, terms: Terms, day: Day) -> tuple[int, int]:
        """(done, required) of the window of `day`: of each gate and day the latest log."""
        rules = terms.rubric.patrols
        latest = {(log[0], log[3]): log for log in self.logs.window(day, rules.window_days)}
        done = sum([log[4] for log in latest.values()])
        required = sum([log[5] for log in latest.values()])
        least = rules.rounds_per_day * min(rules.window_days, terms.days_enrolled(day) + 1)
        return done, max(required, least)

    def missing(self, terms: Terms, day: Day) -> int:
        """How many rounds more would do on `day`."""
        done, required = self.rounds(terms, day)
        return max(required - done, 0)

    def pack(self, day: Day, terms: Terms) -> Plain:
        return self.logs.pack_window(day, terms.rubric.patrols.window_days)

    @classmethod
    def unpack(cls, plain: Plain) -> "PatrolShelf":
        shelf = cls()
        shelf.logs = Timeline.unpack(plain, 6)
        return shelf


def _log(fact: Fact, data: PatrolLogged) -> Log:
    return (*fact.order, data.gate, data.rounds_done, data.rounds_required)
