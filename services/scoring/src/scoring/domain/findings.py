"""A1, F2: failed checks of DECAY items, gathered by item, checkpoint, finding and ISO week.

Source: rubric.md section 3: finding the same thing twice in a week is one finding, the worst of them.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from scoring.domain.decay import UNIT, Charge
from scoring.domain.facts import Check, Day
from scoring.domain.rubric_sections import Findings, Item, Rubric
from scoring.domain.shelf import ORIGIN, Plain
from scoring.domain.size import Terms

OTHER = "other"
DAYS_OF_WEEK = 7

Key = tuple[str, str, str, int]
"""(item, checkpoint, finding, number of the ISO week)."""


class Finding(NamedTuple):
    """A failed check of a DECAY item; equal ones of a day cost the same, so only the day is kept."""

    day: Day
    result_permille: int


class FindingShelf:
    """The findings of one compound by week."""

    __slots__ = ("weeks",)

    def __init__(self) -> None:
        self.weeks: dict[Key, list[Finding]] = {}

    def add(self, key: Key, finding: Finding) -> None:
        insort(self.weeks.setdefault(key, []), finding)

    def remove(self, key: Key, finding: Finding) -> None:
        findings = self.weeks.get(key)
        if findings is not None and finding in findings:
            findings.remove(finding)
            if not findings:
                del self.weeks[key]

    def charges(self, key: Key, item: Item) -> list[Charge]:
        """What the findings of one week cost."""
        return weekly(self.weeks.get(key, ()), base_milli(item.findings_milli, key[2]))

    def pack(self, day: Day, terms: Terms) -> Plain:
        """The weeks of which any day, also one not yet reported, can still cost something after `day`."""
        return tuple(
            (item, checkpoint, finding, week, *(part for day, r in findings for part in (day - ORIGIN, r)))
            for (item, checkpoint, finding, week), findings in sorted(self.weeks.items())
            if last_day(week) + terms.rubric.items[item].bands[-1][0] > day
        )

    @classmethod
    def unpack(cls, plain: Plain) -> "FindingShelf":
        shelf = cls()
        for item, checkpoint, finding, week, *parts in plain:
            shelf.weeks[item, checkpoint, finding, week] = [
                Finding(parts[at] + ORIGIN, parts[at + 1]) for at in range(0, len(parts), 2)
            ]
        return shelf


def counted(checks: Iterable[Check], day: Day, rubric: Rubric) -> Iterator[tuple[Key, Finding]]:
    """The checks of an inspection that cost a DECAY item something, each with what makes it the same."""
    for check in checks:
        item = rubric.items.get(check.item)
        result = result_permille(rubric.findings, check)
        if item is not None and item.findings_milli and result:
            yield key_of(check, day), Finding(day, result)


def ignored(checks: Iterable[Check], rubric: Rubric) -> Iterator[Check]:
    """The checks of items that are not judged by checks, or unknown to the rubric: they lose nothing."""
    for check in checks:
        item = rubric.items.get(check.item)
        if item is None or not (item.findings_milli or item.model == "state"):
            yield check


def weekly(findings: Iterable[Finding], base_milli: int) -> list[Charge]:
    """The charges of equal findings of a week: the worst so far, of equals the first, until a worse comes."""
    charges: list[Charge] = []
    for day, result in sorted(findings):
        if charges and result <= charges[-1].result_permille:
            continue
        if charges:
            charges[-1] = charges[-1]._replace(until=day)
        charges.append(Charge(day, base_milli, UNIT, result))
    return charges


def result_permille(rules: Findings, check: Check) -> int:
    """R of a check; 0 for one that costs nothing."""
    return {"fail": rules.fail_permille, "partial": rules.partial_permille}.get(check.result, 0)


def base_milli(findings_milli: Mapping[str, int], finding: str) -> int:
    """The base of a finding; one that is not named counts as other."""
    return findings_milli.get(finding, findings_milli[OTHER])


def key_of(check: Check, day: Day) -> Key:
    """What makes two checks the same finding."""
    return (check.item, check.checkpoint, check.finding or "", (day - 1) // DAYS_OF_WEEK)


def last_day(week: int) -> Day:
    """The Sunday of a week; day 1 of the calendar was a Monday."""
    return (week + 1) * DAYS_OF_WEEK
