"""What statistics ask of all compounds at once: their calls by code, and which of them had none of a kind."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from itertools import islice, product
from typing import NamedTuple, get_args, get_type_hints

from shared.events.facts import IncidentRecorded
from shared.events.taxonomy import KNOWN_CODES
from shared.runtime.auth import Scope
from shared.runtime.database import Database

from scoring.domain.figures import parse
from scoring.domain.rubric_sections import Rubric
from scoring.domain.statistics import Period, Statistics, Tally, statistics
from scoring.store.incidents import likeness

_FIELDS = get_type_hints(IncidentRecorded)
KINDS_OF_CALLS = tuple(product(sorted(KNOWN_CODES), get_args(_FIELDS["status"]), get_args(_FIELDS["place"])))
"""Every (code, status, place) that a call can have."""

# The compounds of a day: enrolled on $1 by the registry revision then in force (`domain.registry.Registry`:
# the last that has begun, before the first the first), and theirs whom it names. A scope is what the caller
# sees today.
ENROLLED = """
SELECT compound, name, enrolled_on FROM (
    SELECT DISTINCT ON (compound) compound, name, company, community, station, enrolled_on, withdrawn_on
    FROM compound_revision WHERE counted
    ORDER BY compound, effective_from <= $1::date DESC,
        CASE WHEN effective_from <= $1 THEN effective_from END DESC,
        CASE WHEN effective_from <= $1 THEN received_us END DESC,
        CASE WHEN effective_from <= $1 THEN lower(event_id) END DESC,
        effective_from, received_us, lower(event_id)
) r
WHERE enrolled_on <= $1 AND (withdrawn_on IS NULL OR $1 < withdrawn_on)
  AND ($2::text IS NULL OR company = $2)
  AND ($3::text IS NULL OR community = $3)
  AND ($4::text IS NULL OR station = $4)
  AND ($5::boolean OR compound IN (
      SELECT compound FROM compound_state
      WHERE rubric = $6
        AND (compound = ANY($7::text[]) OR community_id = ANY($8::text[]) OR station_id = ANY($9::text[]))
  ))
ORDER BY compound
"""
# Compounds with calls in both years, and whether any within the last is one of those that are listed for.
WITH_CALLS = """
SELECT compound, bool_or(day >= $2 AND alike = ANY($4::text[])) FROM incident
WHERE day BETWEEN $1 AND $3 GROUP BY compound
"""
TALLIES = """
SELECT alike, count(*) FILTER (WHERE day >= $2), count(*) FILTER (WHERE day < $2) FROM incident
WHERE day BETWEEN $1 AND $3 AND {of} GROUP BY alike
"""
THESE, ALL_BUT = "compound = ANY($4::text[])", "compound <> ALL($4::text[])"
# Only with its values before it does the planner make a table of an array: else thousands of ids are searched
# from the first for every row, 8 s instead of 0.1.
PLAN_WITH_VALUES = "SET LOCAL plan_cache_mode = force_custom_plan"


class Asked(NamedTuple):
    """Which compounds are meant; None means whichever the scope allows."""

    company: str | None = None
    community: str | None = None
    station: str | None = None


class Found(NamedTuple):
    """The statistics of the compounds enrolled on the last day.

    `joined` of them were enrolled within the days that are compared; `untouched` had nothing of the figure
    that the definitions name, the first of them with their names.
    """

    period: Period
    statistics: Statistics
    compounds: int
    joined: int
    untouched: int
    untouched_names: dict[str, str]


class Figures:
    """Reads statistics under the definitions of this package and the active rubric."""

    def __init__(self, database: Database, rubric: Rubric) -> None:
        self._pool = database.pool
        self._rubric = rubric.name
        text = files("scoring").joinpath("statistics.toml").read_text(encoding="utf-8")
        self._definitions = parse(text, rubric.incidents)
        figure = self._definitions.figures[self._definitions.untouched_by]
        self._touching = [
            likeness(*call) for call in KINDS_OF_CALLS if self._definitions.counts(figure, *call)
        ]

    async def read(self, scope: Scope, asked: Asked, period: Period, listed: int) -> Found:
        """The statistics of a period, with the names of at most `listed` untouched compounds."""
        days = [date.fromordinal(day) for day in (period.first_before, period.first, period.last)]
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(PLAN_WITH_VALUES)
            enrolled = await connection.fetch(
                ENROLLED,
                days[-1],
                *asked,
                scope.everything,
                self._rubric,
                list(scope.compounds),
                list(scope.communities),
                list(scope.stations),
            )
            touched: dict[str, bool] = dict(
                map(tuple, await connection.fetch(WITH_CALLS, *days, self._touching))
            )
            ours = {row[0] for row in enrolled}
            others = touched.keys() - ours
            # Whichever are fewer are cheaper to tell apart.
            of, named = (ALL_BUT, others) if len(others) < len(ours) else (THESE, ours)
            tallies = await connection.fetch(TALLIES.format(of=of), *days, list(named))
        untouched = {row[0]: row[1] for row in enrolled if not touched.get(row[0])}
        return Found(
            period,
            statistics(self._definitions, (Tally(*alike.split(" "), *counts) for alike, *counts in tallies)),
            len(enrolled),
            sum(row[2] > days[0] for row in enrolled),
            len(untouched),
            dict(islice(untouched.items(), listed)),
        )
