"""Whether a stock that was made past the service is what the service would have stored."""

from __future__ import annotations

import random
from collections.abc import Sequence

import asyncpg
from scoring.domain.book import Book
from scoring.domain.rubric import parse
from scoring.recomputing import Kept, differences
from scoring.store import ledger, registry, states
from scoring.store.rubrics import packaged

from tests.bench.seeding import RUBRIC, ZONE

KEPT = """
SELECT compound, as_of_day, next_change_day FROM compound_state
WHERE compound = ANY($1::text[]) AND rubric = $2
"""


async def differing(url: str, compounds: Sequence[str], count: int, *, seed: int = 1) -> list[str]:
    """How the states of `count` of these compounds differ from what their facts lead to.

    Like `scoring invariants`, but past days are left alone: a large stock is without them.
    """
    chosen = random.Random(seed).sample(compounds, min(count, len(compounds)))
    rubric = parse(packaged()[RUBRIC])
    found: list[str] = []
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool, pool.acquire() as connection:
        stored = await states.load(connection, chosen, RUBRIC)
        registries = await registry.load(connection, chosen)
        facts = await ledger.facts_of(connection, chosen, ZONE)
        rows = await connection.fetch(KEPT, chosen, RUBRIC)
    found += [f"{compound}: has no state" for compound in set(chosen) - stored.keys()]
    for compound, as_of, next_change in rows:
        book = Book(compound, rubric, registries[compound])
        known = facts.get(compound, [])
        for fact in known:
            book.add(fact)
        kept = Kept(stored[compound], as_of, next_change, book.refold(as_of.toordinal()))
        found += [f"{compound}: {one}" for one in differences(kept, rubric, registries[compound], known)]
    return found
