"""F4 安全感: the share of residents who feel safe, by the latest survey of a year that asked enough of them.

Source: rubric.md section 4, F4. Without such a survey the points are full and the item is unverified.
"""

from scoring.domain.facts import Day, Fact, SurveyRecorded
from scoring.domain.shelf import Plain, Points
from scoring.domain.size import Terms
from scoring.domain.timeline import Timeline

UNIT = 1_000

Survey = tuple[Day, int, str, int, int]
"""(day, instant, id, satisfied, asked)."""


class SurveyShelf:
    """Surveys of one compound."""

    __slots__ = ("surveys",)

    def __init__(self) -> None:
        self.surveys: Timeline[Survey] = Timeline()

    def add(self, fact: Fact, data: SurveyRecorded) -> None:
        self.surveys.add((*fact.order, data.satisfied, data.asked))

    def remove(self, fact: Fact, data: SurveyRecorded) -> None:
        self.surveys.remove((*fact.order, data.satisfied, data.asked))

    def points(self, terms: Terms, day: Day, full_milli: int) -> Points:
        """The points of F4 on `day`."""
        rules = terms.rubric.survey
        until = self.surveys.next_after(day)
        least = min(rules.asked_min, terms.on(day).occupied // rules.households_per_asked + 1)
        for on, _, _, satisfied, asked in reversed(self.surveys.window(day, rules.window_days)):
            if asked >= least:
                share = min(rules.full_permille, satisfied * UNIT // asked)
                points = full_milli * share // rules.full_permille
                return Points(points, full_milli, min(until, on + rules.window_days))
        return Points(full_milli, full_milli, until, unverified=True)

    def pack(self, day: Day, terms: Terms) -> Plain:
        return self.surveys.pack_window(day, terms.rubric.survey.window_days)

    @classmethod
    def unpack(cls, plain: Plain) -> "SurveyShelf":
        shelf = cls()
        shelf.surveys = Timeline.unpack(plain, 5)
        return shelf
