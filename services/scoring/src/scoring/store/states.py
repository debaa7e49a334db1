"""States and steps of compounds: the packed fold, what it shows, and the days on which something changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import asyncpg
import msgspec

from scoring.domain.facts import Day
from scoring.domain.standing import Step
from scoring.domain.vetoes import Cap
from scoring.handlers.plan import Plan, StateRow
from scoring.ports import Marks, Shown, StoredState
from scoring.store.rows import append, unnest

COLUMNS = {
    "compound": "text",
    "rubric": "text",
    "partition": "integer",
    "version": "bigint",
    "day": "date",
    "as_of_day": "date",
    "next_change_day": "date",
    "due_day": "date",
    "score_milli": "integer",
    "star": "smallint",
    "dynamic_star": "smallint",
    "rated": "boolean",
    "enrolled": "boolean",
    "name": "text",
    "company_id": "text",
    "community_id": "text",
    "station_id": "text",
    "shown": "json",
    "packed": "bytea",
}
_NAMES = ", ".join(COLUMNS)
LOAD = """
SELECT compound, version, day, packed, score_milli, star, dynamic_star, rated, enrolled, shown
FROM compound_state WHERE compound = ANY($1::text[]) AND rubric = $2
"""
# A version that is not the loaded one means that somebody else has written: the count of rows tells.
UPSERT = f"""
INSERT INTO compound_state AS s ({_NAMES}) SELECT * FROM {unnest(tuple(COLUMNS.items()))}
ON CONFLICT (compound, rubric) DO UPDATE SET
{", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in ("compound", "rubric"))},
changed_at = now()
WHERE s.version = excluded.version - 1
"""  # noqa: S608 - names are ours
STEPS_OF = """
SELECT compound, day, score_milli, star, dynamic_star, up_run, down_run, items
FROM score_step WHERE compound = ANY($1::text[]) AND rubric = $2 ORDER BY compound, day
"""
DUE = """
SELECT compound FROM compound_state
WHERE rubric = $1 AND partition = $2 AND due_day <= $3 AND as_of_day < $4
ORDER BY due_day LIMIT $5
"""
STEP_COLUMNS = {
    "compound": "text",
    "rubric": "text",
    "day": "date",
    "score_milli": "integer",
    "star": "smallint",
    "dynamic_star": "smallint",
    "up_run": "integer",
    "down_run": "integer",
    "items": "json",
}


ROWS_AT_ONCE = 1_000
"""Of a large batch, so that what goes to the server at once stays a few megabytes."""


class StateConflict(Exception):  # noqa: N818 - it says what happened
    """A state was written by somebody else although its partition is ours: memory must be dropped."""


class ShownParts(msgspec.Struct, frozen=True, omit_defaults=True):
    """The parts of what a compound shows that have no column of their own."""

    categories: dict[str, int] = {}
    items: dict[str, int] = {}
    bonus_milli: int = 0
    unverified: tuple[str, ...] = ()
    caps: tuple[tuple[str, int, str], ...] = ()
    failed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    near: tuple[str, int, int] | None = None
    warning: str | None = None
    overdue: tuple[str, ...] = ()


class StepParts(msgspec.Struct, frozen=True, omit_defaults=True):
    """The parts of a step that have no column of their own."""

    items: dict[str, int] = {}
    bonus_milli: int = 0
    caps: tuple[tuple[str, int, str], ...] = ()


_shown = msgspec.json.Decoder(ShownParts)
_step = msgspec.json.Decoder(StepParts)
_json = msgspec.json.Encoder()


async def load(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], compounds: Collection[str], rubric: str
) -> dict[str, StoredState]:
    if not compounds:
        return {}
    found: dict[str, StoredState] = {}
    for compound, version, day, *rest in await connection.fetch(LOAD, list(compounds), rubric):
        found[compound] = StoredState(compound, version, day.toordinal(), *rest)
    return found


def read_shown(
    score_milli: int | None,
    star: int | None,
    dynamic_star: int | None,
    rated: bool,
    enrolled: bool,
    shown: str,
) -> Shown:
    """What a row of the state shows."""
    parts = _shown.decode(shown)
    return Shown(
        score_milli,
        star,
        dynamic_star,
        rated,
        enrolled,
        parts.categories,
        parts.items,
        parts.bonus_milli,
        parts.unverified,
        parts.caps,
        Marks(parts.failed, parts.unknown, parts.near, parts.warning, parts.overdue),
    )


def shown_parts(shown: Shown) -> str:
    """What is shown beside the columns, as JSON."""
    _, _, _, _, _, categories, items, bonus_milli, unverified, caps, marks = shown
    parts = ShownParts(_mapping(categories), _mapping(items), bonus_milli, unverified, caps, *marks)
    return _json.encode(parts).decode()


async def steps_of(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], compounds: Collection[str], rubric: str
) -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = {}
    if compounds:
        for compound, *row in await connection.fetch(STEPS_OF, list(compounds), rubric):
            found.setdefault(compound, []).append(read_step(*row))
    return found


def read_step(
    day: date,
    score_milli: int | None,
    star: int | None,
    dynamic_star: int | None,
    up_run: int,
    down_run: int,
    items: str,
) -> Step:
    """A step from the columns of its row."""
    parts = _step.decode(items)
    return Step(
        day=day.toordinal(),
        score_milli=score_milli,
        star=star,
        dynamic_star=dynamic_star,
        up_run=up_run,
        down_run=down_run,
        items=parts.items,
        bonus_milli=parts.bonus_milli,
        caps=tuple(Cap(*cap) for cap in parts.caps),
    )


async def due(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record],
    rubric: str,
    partition: int,
    day: Day,
    limit: int,
) -> list[str]:
    """Compounds that can differ on `day` or on the one after it and are not folded through `day`."""
    closing = date.fromordinal(day)
    rows = await connection.fetch(DUE, rubric, partition, date.fromordinal(day + 1), closing, limit)
    return [row[0] for row in rows]


async def write(tx: asyncpg.Connection[asyncpg.Record], plan: Plan, rubric: str) -> None:
    """Write states and steps of a plan; raises StateConflict when a state is not the one that was loaded."""
    for first in range(0, len(plan.states), ROWS_AT_ONCE):
        rows = [_row(row, rubric) for row in plan.states[first : first + ROWS_AT_ONCE]]
        status = await tx.execute(UPSERT, *zip(*rows, strict=True))
        if int(status.rpartition(" ")[2]) != len(rows):
            raise StateConflict
    anew = [row.compound for row in plan.steps.values() if row.anew]
    if anew:
        await tx.execute(
            "DELETE FROM score_step WHERE compound = ANY($1::text[]) AND rubric = $2", anew, rubric
        )
    steps = [_step_row(row.compound, rubric, step) for row in plan.steps.values() for step in row.steps]
    await append(tx, "score_step", STEP_COLUMNS, steps)


def _row(row: StateRow, rubric: str) -> Sequence[Any]:
    stored, registered = row.stored, row.registered
    return (
        stored.compound,
        rubric,
        row.partition,
        stored.version,
        date.fromordinal(stored.day),
        _date(row.as_of_day),
        _date(row.next_change_day),
        _date(row.due_day),
        stored.score_milli,
        stored.star,
        stored.dynamic_star,
        stored.rated,
        stored.enrolled,
        registered.name,
        registered.company_id,
        registered.community_id,
        registered.station_id,
        stored.parts,
        stored.packed,
    )


def _step_row(compound: str, rubric: str, step: Step) -> tuple[Any, ...]:
    parts = StepParts(
        _mapping(step.items), step.bonus_milli, tuple((cap.veto, cap.cap, cap.veto_id) for cap in step.caps)
    )
    return (
        compound,
        rubric,
        date.fromordinal(step.day),
        step.score_milli,
        step.star,
        step.dynamic_star,
        step.up_run,
        step.down_run,
        _json.encode(parts).decode(),
    )


def _mapping(items: Mapping[str, int]) -> dict[str, int]:
    return items if isinstance(items, dict) else dict(items)


def _date(day: Day | None) -> date | None:
    return None if day is None else date.fromordinal(day)
