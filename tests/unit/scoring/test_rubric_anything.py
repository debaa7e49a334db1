"""Whatever somebody writes at a key of the rubric is refused by its line, or the rules can work with it."""

import re
from collections.abc import Iterator

import pytest
from scoring.domain import facts as f
from scoring.domain.annual import assess
from scoring.domain.book import Book
from scoring.domain.facts import Fact
from scoring.domain.registry import Registry
from scoring.domain.rubric import Rubric, RubricError, parse

from tests.unit.scoring.making import day, fact, registration
from tests.unit.scoring.rubric_examples import rubric_text
from tests.unit.scoring.test_stars_and_caps import proven, veto

ENTRY = re.compile(r"^([A-Za-z0-9_]+) = (.+)$", re.MULTILINE)
WRITTEN = ["0", "1", "-1", '"x"', "[]", "[[1, 1]]", "{}"]


def keys() -> list[str]:
    return [f"{found[1]}, line {number}" for number, found in _entries()]


def _entries() -> Iterator[tuple[int, re.Match[str]]]:
    """All keys but codes of incidents, which are all alike."""
    for number, line in enumerate(rubric_text().splitlines(), 1):
        found = ENTRY.match(line)
        if found and not found[1].isdecimal():
            yield number, found


def life() -> list[Fact]:
    """At least one fact for each model."""
    old = [fact("incident.recorded", f.IncidentRecorded("010301", "filed"), age) for age in range(20, 80, 10)]
    return [
        *proven(60),
        *old,
        fact("incident.recorded", f.IncidentRecorded("020100", "solved"), 500),
        fact("inspection.recorded", f.InspectionRecorded("night", (f.Check("A1", "p", "partial"),)), 400),
        fact("hazard.opened", f.HazardOpened("h", "B1", "p", "major", 1_000), 395),
        fact("hazard.opened", f.HazardOpened("i", "C1", "p", "ordinary", 1_000), 395),
        fact("hazard.verified", f.HazardMoved("i"), 397),
        fact("facility.status", f.FacilityStatus("C1", 30, 40), 400),
        fact("facility.upgraded", f.FacilityUpgraded("C1"), 400),
        fact("dispute.recorded", f.DisputeRecorded("x", "080101", repeat=True), 400),
        fact("dispute.escalated", f.DisputeEscalated("x", "county"), 405),
        fact("cooperation.recorded", f.CooperationRecorded("late_report"), 400),
        fact("survey.recorded", f.SurveyRecorded(20, 40), 400),
        fact("patrol.logged", f.PatrolLogged("g", 0, 0), 415),
        veto(400, "V4", 395),
    ]


LIFE = life()


def works(rubric: Rubric) -> None:
    """It gives points between nothing and all on many days, and a year."""
    book = Book("C1", rubric, Registry([registration(households=0, occupied_households=0)]))
    for one in LIFE:
        book.add(one)
    book.close_through(day(420))
    for age in (0, 90, 400, 415, 801):
        standing = book.standing(day(age))
        assert standing.score_milli is not None
        assert 0 <= standing.score_milli <= rubric.full_milli
        for code, points in standing.items.items():
            assert 0 <= points <= standing.full_milli[code]
    assess(book, 2025)
    Book.unpack("C1", book.pack(), rubric, book.registry).standing(day(900))


def read(text: str) -> Rubric | RubricError:
    try:
        return parse(text)
    except RubricError as refused:
        return refused


@pytest.mark.parametrize("key", keys())
def test_it_is_refused_or_works(key: str) -> None:
    number = int(key.rpartition(" ")[2])
    lines = rubric_text().splitlines()
    name = key.partition(",")[0]
    for written in WRITTEN:
        text = "\n".join([*lines[: number - 1], f"{name} = {written}", *lines[number:]])
        rubric = read(text)
        if isinstance(rubric, RubricError):
            assert rubric.line > 0, str(rubric)
        else:
            works(rubric)
