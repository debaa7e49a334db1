"""A3 保安配备持证 and A4 星级保安与培训: what the latest roster of guards says.

Source: rubric.md section 4, A3 and A4. Evidence is any roster.
"""

from scoring.domain.evidence import unproven
from scoring.domain.facts import NEVER, Day, Fact, GuardsUpdated
from scoring.domain.rubric_sections import Rosters
from scoring.domain.shelf import Plain, Points
from scoring.domain.size import Terms
from scoring.domain.timeline import Timeline

Roster = tuple[Day, int, str, int, int, int, int, Day]
"""(day, instant, id, guards, licensed, mean star, self-recruiting filed as 0 or 1, trained on or 0)."""


class RosterShelf:
    """Rosters of one compound."""

    __slots__ = ("rosters",)

    def __init__(self) -> None:
        self.rosters: Timeline[Roster] = Timeline()

    def add(self, fact: Fact, data: GuardsUpdated) -> None:
        self.rosters.add(_roster(fact, data))

    def remove(self, fact: Fact, data: GuardsUpdated) -> None:
        self.rosters.remove(_roster(fact, data))

    def strength(self, terms: Terms, day: Day, full_milli: int) -> Points:
        """The points of A3 on `day`."""
        until = self.rosters.next_after(day)
        roster = self.rosters.latest(day)
        if roster is None:
            return unproven(full_milli, day, terms.grace_end, until)
        return Points(strength(terms.rubric.rosters, roster, terms.on(day).need), full_milli, until)

    def quality(self, terms: Terms, day: Day, full_milli: int) -> Points:
        """The points of A4 on `day`."""
        until = self.rosters.next_after(day)
        roster = self.rosters.latest(day)
        if roster is None:
            return unproven(full_milli, day, terms.grace_end, until)
        rules = terms.rubric.rosters
        until = min(until, training_changes(rules, roster, day))
        return Points(quality(rules, roster, day), full_milli, until)

    def pack(self, day: Day) -> Plain:
        return self.rosters.pack_latest(day)

    @classmethod
    def unpack(cls, plain: Plain) -> "RosterShelf":
        shelf = cls()
        shelf.rosters = Timeline.unpack(plain, 8)
        return shelf


def strength(rules: Rosters, roster: Roster, need: int) -> int:
    """Guards against need, licences among the guards, and the filing of own recruits."""
    _, _, _, guards, licensed, _, filed, _ = roster
    points = rules.filed_milli if filed else 0
    if guards:
        points += rules.guards_milli * min(guards, need) // need
        points += rules.licensed_milli * min(licensed, guards) // guards
    return points


def quality(rules: Rosters, roster: Roster, day: Day) -> int:
    """The mean star of the guards, and training not older than half a year."""
    _, _, _, _, _, mean_star, _, trained_on = roster
    points = rules.star_milli * min(mean_star, rules.star_full_milli) // rules.star_full_milli
    if trained_on and 0 <= day - trained_on < rules.trained_days:
        points += rules.trained_milli
    return points


def training_changes(rules: Rosters, roster: Roster, day: Day) -> Day:
    """The first day after `day` on which the training of `roster` begins or ceases to count."""
    trained_on = roster[7]
    if not trained_on:
        return NEVER
    return min((one for one in (trained_on, trained_on + rules.trained_days) if one > day), default=NEVER)


def _roster(fact: Fact, data: GuardsUpdated) -> Roster:
    return (
        *fact.order,
        data.guards,
        data.licensed,
        data.mean_star_milli,
        int(data.self_recruit_filed),
        data.trained_on or 0,
    )
