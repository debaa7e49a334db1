"""Figures of 365 days against the 365 before, and shares with their bases: arithmetic on counted calls.

Everything is whole numbers; changes and shares are per ten thousand (‱), rounded half away from zero, so that
-1262 is read as −12.62 %.
"""

from collections.abc import Iterable
from typing import NamedTuple

from scoring.domain.facts import Day
from scoring.domain.figures import Definitions, Figure

PERIOD_DAYS = 365
MYRIAD = 10_000


class Period(NamedTuple):
    """The 365 days that end with `last`, and the 365 days before them."""

    last: Day

    @property
    def first(self) -> Day:
        return self.last - PERIOD_DAYS + 1

    @property
    def last_before(self) -> Day:
        return self.last - PERIOD_DAYS

    @property
    def first_before(self) -> Day:
        return self.last - 2 * PERIOD_DAYS + 1


class Tally(NamedTuple):
    """Calls that are alike: how many within a period, and in the 365 days before it."""

    code: str
    status: str
    place: str
    within: int
    before: int


class Counted(NamedTuple):
    """A figure with its counts within a period and before it."""

    figure: Figure
    within: int
    before: int

    @property
    def change_permyriad(self) -> int | None:
        """How much more, or if negative less, than before; None where there was nothing."""
        return permyriad(self.within - self.before, self.before)


class Part(NamedTuple):
    """A figure as a share of its base."""

    part: Counted
    of: Counted

    @property
    def permyriad(self) -> int | None:
        """The share in the period; None where its base is nothing."""
        return permyriad(self.part.within, self.of.within)

    @property
    def permyriad_before(self) -> int | None:
        """The share in the days before the period."""
        return permyriad(self.part.before, self.of.before)


class Statistics(NamedTuple):
    """All figures and shares, in the order of their definitions."""

    figures: tuple[Counted, ...]
    shares: tuple[Part, ...]


def statistics(definitions: Definitions, tallies: Iterable[Tally]) -> Statistics:
    """The figures and shares of the tallied calls; every call is in one tally, whichever figures count it."""
    alike = list(tallies)
    counted = {figure.name: _count(definitions, figure, alike) for figure in definitions.figures.values()}
    shares = tuple(Part(counted[share.part], counted[share.of]) for share in definitions.shares)
    return Statistics(tuple(counted.values()), shares)


def permyriad(part: int, whole: int) -> int | None:
    """`part` in ten thousandths of `whole`, half away from zero; None of nothing."""
    if not whole:
        return None
    rounded = (2 * abs(part) * MYRIAD + whole) // (2 * whole)
    return rounded if part >= 0 else -rounded


def _count(definitions: Definitions, figure: Figure, tallies: Iterable[Tally]) -> Counted:
    ours = [one for one in tallies if definitions.counts(figure, one.code, one.status, one.place)]
    return Counted(figure, sum(one.within for one in ours), sum(one.before for one in ours))
