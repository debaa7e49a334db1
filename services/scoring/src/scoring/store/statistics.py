"""What statistics ask of all compounds at once: their calls by code, and which of them had none of a kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from importlib.resources import files
from typing import NamedTuple

from shared.runtime.auth import Scope
from shared.runtime.database import Database

from scoring.domain.figures import Definitions, parse
from scoring.domain.rubric_sections import Rubric
from scoring.domain.statistics import Period, Statistics, Tally, statistics

# The compounds of a day: enrolled on $1 by the registry revision then in force (`domain.registry.Registry`:
# the last that has begun, before the first the first), and theirs whom it names. A scope is what the caller
# sees today.
COMPOUNDS = """
WITH revision AS (
    SELECT DISTINCT ON (compound) compound, name, company, community, station, enrolled_on, withdrawn_on
    FROM compound_revision WHERE counted
    ORDER BY compound, effective_from <= $1::date DESC,
        CASE WHEN effective_from <= $1 THEN effective_from END DESC,
        CASE WHEN effective_from <= $1 THEN received_us END DESC,
        CASE WHEN effective_from <= $1 THEN lower(event_id) END DESC,
        effective_from, received_us, lower(event_id)
), enrolled AS (
    SELECT compound, name, enrolled_on FROM revision
    WHERE enrolled_on <= $1 AND (withdrawn_on IS NULL OR $1 < withdrawn_on)
      AND ($2::text IS NULL OR company = $2)
      AND ($3::text IS NULL OR community = $3)
      AND ($4::text IS NULL OR station = $4)
      AND ($5::boolean OR compound IN (
          SELECT compound FROM compound_state
          WHERE rubric = $6 AND (compound = ANY($7::text[]) OR community_id = ANY($8::text[])
              OR station_id = ANY($9::text[]))
      ))
)
"""
TALLIES = f"""{COMPOUNDS}
SELECT i.code, i.status, i.place,
    count(*) FILTER (WHERE i.day >= $11), count(*) FILTER (WHERE i.day < $11)
FROM incident i JOIN enrolled USING (compound)
WHERE i.day BETWEEN $10 AND $1
GROUP BY i.code, i.status, i.place
"""  # noqa: S608 - names are ours
UNTOUCHED = f"""{COMPOUNDS}
, touched AS (
    SELECT DISTINCT i.compound FROM incident i
    WHERE i.day BETWEEN $11 AND $1
      AND i.code ^@ ANY($12::text[]) AND NOT i.code ^@ ANY($13::text[])
      AND ($14::text[] IS NULL OR i.status = ANY($14::text[]))
      AND i.status <> ALL($15::text[]) AND i.place <> ALL($16::text[])
)
SELECT count(*), count(*) FILTER (WHERE e.enrolled_on > $10), count(*) FILTER (WHERE t.compound IS NULL),
    (array_agg(e.compound ORDER BY e.compound) FILTER (WHERE t.compound IS NULL))[1:$17::integer],
    (array_agg(e.name ORDER BY e.compound) FILTER (WHERE t.compound IS NULL))[1:$17::integer]
FROM enrolled e LEFT JOIN touched t USING (compound)
"""  # noqa: S608 - names are ours


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

    async def read(self, scope: Scope, asked: Asked, period: Period, listed: int) -> Found:
        """The statistics of a period, with the names of at most `listed` untouched compounds."""
        whose = (
            date.fromordinal(period.last),
            *asked,
            scope.everything,
            self._rubric,
            list(scope.compounds),
            list(scope.communities),
            list(scope.stations),
            date.fromordinal(period.first_before),
            date.fromordinal(period.first),
        )
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            rows = await connection.fetch(TALLIES, *whose)
            found = await connection.fetchrow(UNTOUCHED, *whose, *_untouched_by(self._definitions), listed)
        assert found is not None, "an aggregate without groups has one row"
        compounds, joined, untouched, ids, names = found
        return Found(
            period,
            statistics(self._definitions, (Tally(*row) for row in rows)),
            compounds,
            joined,
            untouched,
            dict(zip(ids or (), names or (), strict=True)),
        )


def _untouched_by(definitions: Definitions) -> tuple[Iterable[str] | None, ...]:
    """The figure that compounds are listed by, as its statement asks: codes, statuses and places."""
    figure = definitions.figures[definitions.untouched_by]
    return (
        figure.codes,
        (*definitions.left_out_codes, *figure.without),
        definitions.case_statuses if figure.cases_only else None,
        definitions.left_out_statuses,
        definitions.left_out_places,
    )
