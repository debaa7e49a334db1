"""A2 巡逻防控: rounds done against rounds required at all gates of the last 30 days.

Source: rubric.md section 4, A2. Of several logs of one gate and day the latest counts; required is at least
`2 * min(30, d - e + 1)`. Evidence is a log in the window.
"""

from scoring.domain.facts import Day, Fact, PatrolLogged
from scoring.domain.shelf import Plain, Points, unproven
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
        done, required = rounds(window)
        enrolled = terms.days_enrolled(day) + 1
        required = max(required, rules.rounds_per_day * min(rules.window_days, enrolled))
        until = min(until, window[0][0] + rules.window_days)
        if enrolled < rules.window_days:
            until = day + 1
        return Points(full_milli * min(done, required) // required, full_milli, until)

    def pack(self, day: Day, terms: Terms) -> Plain:
        return self.logs.pack_window(day, terms.rubric.patrols.window_days)

    @classmethod
    def unpack(cls, plain: Plain) -> "PatrolShelf":
        shelf = cls()
        shelf.logs = Timeline.unpack(plain, 6)
        return shelf


def rounds(logs: list[Log]) -> tuple[int, int]:
    """(done, required) summed over the latest log of each gate and day; `logs` in order."""
    latest = {(log[0], log[3]): log for log in logs}
    return sum(log[4] for log in latest.values()), sum(log[5] for log in latest.values())


def _log(fact: Fact, data: PatrolLogged) -> Log:
    return (*fact.order, data.gate, data.rounds_done, data.rounds_required)
