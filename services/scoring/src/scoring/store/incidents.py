"""Calls that count, narrow: day, compound and likeness of every incident in the ledger, under its number.

Calls with one code, status and place are alike: one value, because two years of a province are grouped by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import asyncpg

from scoring.domain.facts import IncidentRecorded
from scoring.handlers.plan import LedgerRow
from scoring.store.rows import append

KIND = "incident.recorded"
COLUMNS = {
    "partition": "integer",
    "ledger_seq": "bigint",
    "day": "date",
    "compound": "text",
    "alike": "text",
}
FORGET = """
DELETE FROM incident i USING unnest($1::text[], $2::text[]) AS k(compound, root), ledger l
WHERE l.compound = k.compound AND l.root = k.root
  AND i.partition = l.partition AND i.ledger_seq = l.ledger_seq
"""


def likeness(code: str, status: str, place: str) -> str:
    """What calls that are alike have in common; none of the three has a blank in it."""
    return f"{code} {status} {place}"


async def forget_replaced(tx: asyncpg.Connection[asyncpg.Record], rows: Sequence[LedgerRow]) -> None:
    """Take out what these rows replace, while the ledger still has its numbers."""
    gone = [one.arrival.key for one in rows if one.replaces is not None and one.replaces.fact.kind == KIND]
    if gone:
        await tx.execute(FORGET, *zip(*gone, strict=True))


async def write(
    tx: asyncpg.Connection[asyncpg.Record], rows: Sequence[LedgerRow], numbers: Sequence[int]
) -> None:
    """Keep the incidents among these rows, which got these ledger numbers; a withdrawal is none."""
    incidents: list[tuple[Any, ...]] = []
    for row, number in zip(rows, numbers, strict=True):
        fact = row.arrival.fact
        if isinstance(fact.data, IncidentRecorded):
            call = fact.data
            alike = likeness(call.code, call.status, call.place)
            day = date.fromordinal(fact.day)
            incidents.append((row.arrival.partition, number, day, fact.compound, alike))
    await append(tx, "incident", COLUMNS, incidents)
