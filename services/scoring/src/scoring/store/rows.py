"""Many rows in one statement: COPY for many, arrays for few, because COPY has a cost of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import asyncpg

COPY_FROM_ROWS = 100

Columns = Mapping[str, str]
"""Column name to SQL type, in the order of the rows."""


async def append(
    tx: asyncpg.Connection[asyncpg.Record], table: str, columns: Columns, rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows that are not there yet; one that is raises a unique violation."""
    if not rows:
        return
    if len(rows) >= COPY_FROM_ROWS:
        await tx.copy_records_to_table(table, records=rows, columns=list(columns))
        return
    await tx.execute(_insert(table, tuple(columns.items())), *zip(*rows, strict=True))


@lru_cache(maxsize=64)
def _insert(table: str, columns: tuple[tuple[str, str], ...]) -> str:
    names = ", ".join(f'"{name}"' for name, _ in columns)
    return f"INSERT INTO {table} ({names}) SELECT * FROM {unnest(columns)}"  # noqa: S608 - names are ours


@lru_cache(maxsize=64)
def unnest(columns: tuple[tuple[str, str], ...]) -> str:
    """`unnest($1::integer[], …)` for columns in their order."""
    arrays = ", ".join(f"${place}::{kind}[]" for place, (_, kind) in enumerate(columns, 1))
    return f"unnest({arrays})"
