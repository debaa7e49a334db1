"""What the registry says today: names, and who stands above whom. Every revision is kept, one is in force."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date

import asyncpg

from notify.domain.audience import Hierarchy
from notify.store.steady import Fetch
from notify.translate import EntityRevision

_UPSERT = """
INSERT INTO entity_revision (kind, id, root, revision, effective_from, received_at, event_id, name, parent_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::date[], $6::timestamptz[], $7::text[],
                     $8::text[], $9::text[])
ON CONFLICT (kind, id, root) DO UPDATE SET
    revision = excluded.revision, effective_from = excluded.effective_from,
    received_at = excluded.received_at, event_id = excluded.event_id,
    name = excluded.name, parent_id = excluded.parent_id
WHERE entity_revision.revision < excluded.revision
"""

# In force on a day: the largest (effective_from, receivedtime, id) that has begun, else the first to begin.
_IN_FORCE = """
SELECT DISTINCT ON (kind, id) kind, id, name, parent_id FROM entity_revision
WHERE {where}
ORDER BY kind, id, (effective_from <= $1) DESC,
    CASE WHEN effective_from <= $1 THEN effective_from END DESC, effective_from,
    CASE WHEN effective_from <= $1 THEN received_at END DESC, received_at,
    CASE WHEN effective_from <= $1 THEN event_id END DESC, event_id
"""
_NAMES = _IN_FORCE.format(where="(kind, id) IN (SELECT * FROM unnest($2::text[], $3::text[]))")
_STRUCTURE = _IN_FORCE.format(
    where="""kind IN ('bureau', 'construction_bureau', 'sub_bureau')
    OR (kind = 'station' AND ($3 OR id = ANY($2::text[])))"""
)


class RegistryStore:
    """The registry as notices need it; `today` is the local day."""

    def __init__(self, fetch: Fetch, today: Callable[[], date]) -> None:
        self._fetch = fetch
        self._today = today

    async def hierarchy(self, stations: Collection[str], *, every_station: bool) -> Hierarchy:
        rows = await self._fetch(_STRUCTURE, self._today(), list(stations), every_station)
        by_kind: dict[str, list[str]] = {}
        for row in rows:
            by_kind.setdefault(row["kind"], []).append(row["id"])
        sub_bureaus = set(by_kind.get("sub_bureau", ()))
        return Hierarchy(
            sub_bureau_of={
                row["id"]: row["parent_id"]
                for row in rows
                if row["kind"] == "station" and row["parent_id"] in sub_bureaus
            },
            stations=tuple(by_kind.get("station", ())) if every_station else (),
            bureaus=tuple(by_kind.get("bureau", ())),
            construction_bureaus=tuple(by_kind.get("construction_bureau", ())),
        )

    async def names(self, entities: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        kinds = [kind for kind, _ in entities]
        ids = [entity for _, entity in entities]
        rows = await self._fetch(_NAMES, self._today(), kinds, ids)
        return {(row["kind"], row["id"]): row["name"] for row in rows}


async def write_revisions(
    tx: asyncpg.Connection[asyncpg.Record], revisions: Sequence[EntityRevision]
) -> None:
    """Take over registry revisions in their order; of one root only the highest revision stays."""
    newest: dict[tuple[str, str, str], EntityRevision] = {}
    for revision in revisions:
        key = revision.kind, revision.id, revision.root
        if key not in newest or newest[key].revision < revision.revision:
            newest[key] = revision
    rows = list(newest.values())
    await tx.execute(
        _UPSERT,
        [row.kind for row in rows],
        [row.id for row in rows],
        [row.root for row in rows],
        [row.revision for row in rows],
        [row.effective_from for row in rows],
        [row.received_at for row in rows],
        [row.event_id for row in rows],
        [row.name for row in rows],
        [row.parent_id for row in rows],
    )
