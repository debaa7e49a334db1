"""The annual score and star of one compound, from its closed days.

Source: rubric.md section 7. `frozen` picks the facts that were received in time; the book must be made of
them, under the rubric active on 31 December. Publishing, objections and decisions are steps of people, not
of this.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from scoring.domain import stars
from scoring.domain.book import Book
from scoring.domain.facts import NEVER, Day, Fact
from scoring.domain.rubric_sections import Rubric, Year
from scoring.domain.vetoes import AUTOMATIC_ELIGIBILITY, AUTOMATIC_HAZARD, Cap, in_force

MONTHS_OF_QUARTER = 3
MAJOR = "major"


class Annual(NamedTuple):
    """The result of a year before objections; `caps` are the vetoes that hold it down.

    `days` is the number of days it rests on, `inspected_quarters` those with a counted inspection.
    """

    year: int
    days: int
    score_milli: int
    star: int
    reward_yuan: int
    categories: dict[str, int]
    inspected_quarters: int
    ineligible_days: int
    caps: tuple[Cap, ...]
    overdue_major: bool

    def is_basis(self, rubric: Rubric) -> bool:
        """Whether it is a basis for 优秀示范小区: enough stars, no veto, no overdue major hazard."""
        return self.star >= rubric.year.basis_star_min and not self.caps and not self.overdue_major


def frozen(facts: Iterable[Fact], rules: Year, year: int, zone: tzinfo) -> list[Fact]:
    """The facts (all revisions) with a `receivedtime` before the freeze of `year`, at midnight in `zone`."""
    month, day = rules.freeze_month_day
    freeze = datetime(year + 1, month, day, tzinfo=zone)
    since = freeze - datetime(1970, 1, 1, tzinfo=UTC)
    limit_us = since // timedelta(microseconds=1)
    return [fact for fact in facts if fact.received_us < limit_us]


def assess(book: Book, year: int) -> Annual | None:
    """The annual result; None with fewer days than an assessment needs. Raises Forgotten when not whole."""
    rules = book.rubric.year
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    days = total = ineligible = 0
    points = dict.fromkeys(book.rubric.categories, 0)
    full = dict.fromkeys(book.rubric.categories, 0)
    inspected = _inspected_quarters(book, first, last)
    for look, start, end in book.spans(first, last):
        if not look.folds:
            continue
        count = end - start
        days += count
        total += count * (look.score_milli or 0)
        ineligible += count if look.eligibility.lost else 0
        for category in points:
            points[category] += count * look.categories[category]
            full[category] += count * look.full_of(category)
    if days == 0 or days < rules.days_min:
        return None
    score = total // days
    # Also of a compound that is no longer enrolled on that day.
    missing = any(book.points(item, last).stale for item in book.rubric.stars.evidence_items)
    limit = stars.limits(book.rubric.stars, points, full, evidence_missing=missing)
    star = stars.limited_star(book.rubric.stars, score, limit)
    if inspected < rules.inspected_quarters_min:
        star = book.rubric.stars.ladder[0]
    caps = _caps(book, year, last, ineligible)
    star = min([star, *(cap.cap for cap in caps)])
    means = {category: milli // days for category, milli in points.items()}
    reward = rules.reward_yuan[star]
    return Annual(
        year, days, score, star, reward, means, inspected, ineligible, caps, _overdue_major(book, last)
    )


def _inspected_quarters(book: Book, first: Day, last: Day) -> int:
    days = {
        fact.day
        for fact in book.facts()
        if fact.kind == "inspection.recorded" and first <= fact.day <= last and book.terms.enrolled(fact.day)
    }
    return len({(date.fromordinal(day).month - 1) // MONTHS_OF_QUARTER for day in days})


def _overdue_major(book: Book, day: Day) -> bool:
    lives = [book.hazard(hazard_id, day) for hazard_id in book.shelves.hazards.events]
    return any(
        one is not None
        and one.verified is None
        and one.opened.hazard_class == MAJOR
        and one.overdue_days(day) > 0
        for one in lives
    )


def _caps(book: Book, year: int, last: Day, ineligible_days: int) -> tuple[Cap, ...]:
    """Vetoes of what occurred in the year, V6 as of its last day, V7 by the number of its days."""
    rules = book.rubric.vetoes
    caps = []
    for veto_id, events in book.shelves.vetoes.vetoes.events.items():
        confirmed = in_force(events, NEVER)
        if confirmed is not None and date.fromordinal(confirmed.occurred_on).year == year:
            caps.append(Cap(confirmed.veto, rules.caps[confirmed.veto], veto_id))
    if book.shelves.grave.at(last) > 0:
        caps.append(Cap(AUTOMATIC_HAZARD, rules.caps[AUTOMATIC_HAZARD]))
    if ineligible_days > book.rubric.year.ineligible_days_max:
        caps.append(Cap(AUTOMATIC_ELIGIBILITY, rules.caps[AUTOMATIC_ELIGIBILITY]))
    return tuple(sorted(caps))
